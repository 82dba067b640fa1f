# The package, as its users meet it: tests/install/check says what each way is.
foreach(way find_package pkg_config shared subdirectory)
  add_test(NAME install.${way}
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check ${way} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_CXX_COMPILER}
                   ${PROJECT_VERSION})
  set_tests_properties(install.${way} PROPERTIES LABELS install TIMEOUT 300)
endforeach()
