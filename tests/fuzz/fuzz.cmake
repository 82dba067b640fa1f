# Fuzzing by libFuzzer, where the compiler has it: each target runs its corpus and then what it makes of it, for a moment. For longer:
# build/LANE/tests/fuzz_NAME tests/fuzz/corpus/NAME. What it finds goes into the corpus.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=fuzzer)
check_cxx_source_compiles("extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }" GRISTMILL_HAS_FUZZER)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT GRISTMILL_HAS_FUZZER)
  return()
endif()

# gristmill_fuzz(name source...): compiled with the sources that it looks into, so that they are instrumented.
function(gristmill_fuzz name)
  add_executable(fuzz_${name} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}.cpp ${ARGN})
  target_link_libraries(fuzz_${name} PRIVATE gristmill::exec gristmill_warnings)
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  add_test(NAME fuzz.${name}
           COMMAND fuzz_${name} -max_total_time=5 -max_len=2000 -print_final_stats=0
                   ${CMAKE_CURRENT_BINARY_DIR}/found_${name} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/corpus/${name})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/found_${name})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 60)
endfunction()

gristmill_fuzz(template ${PROJECT_SOURCE_DIR}/program/run/template.cpp ${PROJECT_SOURCE_DIR}/program/run/shell_scan.cpp)
gristmill_fuzz(joblog ${PROJECT_SOURCE_DIR}/program/run/joblog.cpp)
gristmill_fuzz(filter ${PROJECT_SOURCE_DIR}/program/jobs/filter_words.cpp ${PROJECT_SOURCE_DIR}/program/cli/parse.cpp
               ${PROJECT_SOURCE_DIR}/program/cli/moments.cpp)
target_link_libraries(fuzz_filter PRIVATE gristmill_program_parts)  # the rest, as it is
target_link_options(fuzz_filter PRIVATE -Wl,-z,muldefs)  # where the library's files are joined, they bring these again
gristmill_fuzz(text ${PROJECT_SOURCE_DIR}/program/cli/safe_text.cpp)
