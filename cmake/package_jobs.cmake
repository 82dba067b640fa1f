# Install what stands on the library: durable jobs, their stores, the kind `exec`. find_package(gristmill COMPONENTS jobs) has
# them; it looks for SQLite, libpq and date as well, which those who want the library alone need not have.
set(targets gristmill_jobs gristmill_stores gristmill_exec)
set(GRISTMILL_JOBS_NEEDS "")
foreach(store IN LISTS GRISTMILL_STORES)
  if(TARGET gristmill_${store})
    list(APPEND targets gristmill_${store})
  endif()
endforeach()
if(TARGET gristmill_sqlite)
  list(APPEND GRISTMILL_JOBS_NEEDS SQLite3)
endif()
if(TARGET gristmill_postgres)
  list(APPEND GRISTMILL_JOBS_NEEDS PostgreSQL)
endif()
if(date_DIR)
  list(APPEND GRISTMILL_JOBS_NEEDS date)
endif()

foreach(target IN LISTS targets)
  string(REPLACE gristmill_ "" name ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS ${target} EXPORT gristmill_jobs
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
endforeach()
# Each of them names it, but only for its own sources: a user gets none of its flags.
install(TARGETS gristmill_warnings EXPORT gristmill_jobs)
install(EXPORT gristmill_jobs NAMESPACE gristmill:: FILE gristmill-jobs-targets.cmake DESTINATION ${GRISTMILL_PACKAGE_DIR}
        COMPONENT development)
configure_file(${PROJECT_SOURCE_DIR}/cmake/gristmill-jobs.cmake.in gristmill-jobs.cmake @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gristmill-jobs.cmake DESTINATION ${GRISTMILL_PACKAGE_DIR} COMPONENT development)
