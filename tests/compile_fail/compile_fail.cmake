# Misuse that the compiler has to refuse: see tests/compile_fail/check for what such a file looks like. To drop a result that
# is [[nodiscard]] counts as misuse too.
file(GLOB misuses CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
separate_arguments(compile_fail_flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
list(APPEND compile_fail_flags -std=c++20 -Werror=unused-result -I${PROJECT_SOURCE_DIR}/core/include)
if(CMAKE_CXX_COMPILER_TARGET)
  list(APPEND compile_fail_flags --target=${CMAKE_CXX_COMPILER_TARGET})
endif()

foreach(misuse IN LISTS misuses)
  get_filename_component(name ${misuse} NAME_WE)
  set(test compile_fail.${name})
  add_test(NAME ${test} COMMAND ${CMAKE_CURRENT_LIST_DIR}/check ${misuse} ${CMAKE_CXX_COMPILER} ${compile_fail_flags})
  set_tests_properties(${test} PROPERTIES LABELS compile_fail TIMEOUT 240)
endforeach()
