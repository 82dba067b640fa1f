# The tests speak to the server themselves, too, and start it by a script.
if(TARGET postgres_tests)
  target_link_libraries(postgres_tests PRIVATE PostgreSQL::PostgreSQL)
  target_compile_definitions(postgres_tests PRIVATE GRISTMILL_SERVERS="${PROJECT_SOURCE_DIR}/tests/servers"
                             GRISTMILL_EXAMPLES="${PROJECT_SOURCE_DIR}/examples")
endif()
