# The checkers themselves: each is shown something wrong, and has to say so. A checker that always agrees looks the same
# as a suite without faults.
add_test(NAME house.checkers_catch_what_is_planted COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_the_checkers ${CMAKE_CXX_COMPILER})
set_tests_properties(house.checkers_catch_what_is_planted PROPERTIES LABELS house TIMEOUT 240)
