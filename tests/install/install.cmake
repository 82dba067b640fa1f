# The package, as its users meet it: tests/install/check says what each way is.
set(ways find_package pkg_config shared subdirectory)
if(TARGET gristmill_program)
  list(APPEND ways program jobs)
  add_test(NAME install.packages
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_packages ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${PROJECT_VERSION})
  set_tests_properties(install.packages PROPERTIES LABELS install TIMEOUT 300 COST 100)
endif()
foreach(way IN LISTS ways)
  add_test(NAME install.${way}
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check ${way} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_CXX_COMPILER}
                   ${PROJECT_VERSION})
  set_tests_properties(install.${way} PROPERTIES LABELS install TIMEOUT 300 COST 100)
endforeach()
