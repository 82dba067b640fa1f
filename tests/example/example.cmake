# Each numbered example runs, and prints what examples/expected/ says (tests/check_output tells how it is compared).
# The list of programs comes from examples/CMakeLists.txt, which leaves out what this compiler cannot build.
get_property(example_programs GLOBAL PROPERTY GRISTMILL_EXAMPLE_PROGRAMS)
foreach(program IN LISTS example_programs)
  add_test(NAME example.${program}
           COMMAND ${PROJECT_SOURCE_DIR}/tests/check_output ${PROJECT_SOURCE_DIR}/examples/expected/${program}.txt
                   ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${program}>)
  math(EXPR timeout "30 * ${patience}")
  set_tests_properties(example.${program} PROPERTIES LABELS example TIMEOUT ${timeout})
endforeach()

# The demo, as ./gristmill demo shows it: tests/example/check_demo says what it has to do.
if(TARGET demo)
  add_test(NAME example.demo
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_demo ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:demo>)
  math(EXPR timeout "60 * ${patience}")
  set_tests_properties(example.demo PROPERTIES LABELS example TIMEOUT ${timeout})
endif()

# And the tour of the program that it goes on with.
if(TARGET gristmill_program AND NOT CMAKE_CROSSCOMPILING)
  add_test(NAME example.tour
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_tour ${PROJECT_SOURCE_DIR}/examples/tour $<TARGET_FILE:gristmill_program>)
  math(EXPR timeout "60 * ${patience}")
  set_tests_properties(example.tour PROPERTIES LABELS example TIMEOUT ${timeout})
endif()
