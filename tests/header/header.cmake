# Each header compiles alone, twice in a row, and without a warning; and all of them together, in two translation units
# of one program, so that a function that lacks its `inline` fails to link.
#
# The instrumented build selects other code in the same headers, so it is held to the same. Each is compiled to an object, for that is
# what ccache knows how to keep.
set(public_folders ${PROJECT_SOURCE_DIR}/core/include)
set(public_libraries gristmill::core)
if(GRISTMILL_UPPER_ROOMS)
  file(GLOB upper_folders CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/jobs/include ${PROJECT_SOURCE_DIR}/stores/*/include
       ${PROJECT_SOURCE_DIR}/kinds/*/include)
  list(APPEND public_folders ${upper_folders})
  list(APPEND public_libraries gristmill::stores gristmill::exec)
endif()
set(public_headers "")
foreach(folder IN LISTS public_folders)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/gristmill/*.hpp)
  list(APPEND public_headers ${found})
endforeach()
set(header_folder ${CMAKE_CURRENT_BINARY_DIR}/headers)

set(header_compiler ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_CXX_COMPILER})
separate_arguments(header_flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
list(APPEND header_flags -std=c++20 -c -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
list(TRANSFORM public_folders PREPEND -I OUTPUT_VARIABLE public_includes)
list(APPEND header_flags ${public_includes})
if(CMAKE_CXX_COMPILER_TARGET)
  list(APPEND header_flags --target=${CMAKE_CXX_COMPILER_TARGET})
endif()
if(GRISTMILL_STD_FALLBACK)
  list(APPEND header_flags -DGRISTMILL_STD_FALLBACK=1)
endif()

set(all "")
foreach(header IN LISTS public_headers)
  string(APPEND all "#include <${header}>\n")
  string(REGEX REPLACE "[/.]" "_" name ${header})
  file(CONFIGURE OUTPUT ${header_folder}/${name}.cpp CONTENT "#include <${header}>\n#include <${header}>\n")
  add_test(NAME header.${header} COMMAND ${header_compiler} ${header_flags} ${header_folder}/${name}.cpp -o ${header_folder}/${name}.o)
  list(APPEND header_tests header.${header})
endforeach()

file(CONFIGURE OUTPUT ${header_folder}/all_a.cpp CONTENT "${all}int other_unit();\nint main() { return other_unit(); }\n")
file(CONFIGURE OUTPUT ${header_folder}/all_b.cpp CONTENT "${all}int other_unit();\nint other_unit() { return 0; }\n")
add_executable(all_headers ${header_folder}/all_a.cpp ${header_folder}/all_b.cpp)
gristmill_test_options(all_headers "${public_libraries}")
target_include_directories(all_headers PRIVATE ${public_folders})
add_test(NAME header.all_in_two_units COMMAND all_headers)
add_test(NAME header.all_instrumented
         COMMAND ${header_compiler} ${header_flags} -DGRISTMILL_SCHEDULE_POINTS=1 ${header_folder}/all_a.cpp
                 -o ${header_folder}/all_instrumented.o)
set_tests_properties(${header_tests} header.all_in_two_units header.all_instrumented PROPERTIES LABELS header TIMEOUT 120)
