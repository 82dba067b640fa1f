# The guide's snippets: tests/guide/extract.awk says which fences are compiled and how. Each page gives one translation
# unit of fragments, which only has to compile, and as many programs as it says, which run.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/docs/guide/*.md)
set(extract ${CMAKE_CURRENT_LIST_DIR}/extract.awk)
set(guide_folder ${CMAKE_CURRENT_BINARY_DIR}/guide)
file(MAKE_DIRECTORY ${guide_folder})

# A snippet shows a thing; it need not use it. Its warnings are not the reader's concern, errors are.
function(gristmill_guide_options target)
  gristmill_test_options(${target} gristmill::stores)
  target_compile_options(${target} PRIVATE -w)
  target_include_directories(${target} PRIVATE ${guide_folder})
endfunction()

# Fragments find the whole library and the std headers that one would expect; programs include what they need.
file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/core/include
     ${PROJECT_SOURCE_DIR}/core/include/gristmill/*.hpp)
foreach(room jobs stores/open)
  file(GLOB_RECURSE more CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/${room}/include
       ${PROJECT_SOURCE_DIR}/${room}/include/gristmill/*.hpp)
  list(APPEND headers ${more})
endforeach()
list(TRANSFORM headers REPLACE "(.+)" "#include <\\1>\n" OUTPUT_VARIABLE everything)
list(JOIN everything "" everything)
file(CONFIGURE OUTPUT ${guide_folder}/guide_everything.hpp CONTENT "#pragma once\n${everything}")

set(fragments "")
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME_WE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  set(out ${guide_folder}/page_${name}.cpp)
  add_custom_command(OUTPUT ${out} COMMAND awk -f ${extract} ${page} > ${out} DEPENDS ${page} ${extract} VERBATIM)
  list(APPEND fragments ${out})

  file(STRINGS ${page} programs REGEX "^```cpp program=")
  foreach(line IN LISTS programs)
    string(REGEX REPLACE "^```cpp program=([A-Za-z0-9_]+).*" "\\1" program "${line}")
    set(target guide_${program})
    set(out ${guide_folder}/program_${program}.cpp)
    add_custom_command(OUTPUT ${out} COMMAND awk -v program=${program} -f ${extract} ${page} > ${out}
                       DEPENDS ${page} ${extract} VERBATIM)
    add_executable(${target} ${out})
    gristmill_guide_options(${target})

    set(run ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${target}>)
    file(STRINGS ${page} output REGEX "^```text output=${program}([^A-Za-z0-9_]|$)")
    if(output)
      set(expected ${guide_folder}/output_${program}.txt)
      add_custom_command(TARGET ${target} POST_BUILD VERBATIM
                         COMMAND awk -v output=${program} -f ${extract} ${page} > ${expected})
      list(PREPEND run ${PROJECT_SOURCE_DIR}/tests/check_output ${expected})
    endif()
    add_test(NAME guide.${program} COMMAND ${run})
    math(EXPR timeout "30 * ${patience}")
    set_tests_properties(guide.${program} PROPERTIES LABELS guide TIMEOUT ${timeout})
  endforeach()
endforeach()

if(fragments)
  add_library(guide_fragments OBJECT ${fragments})
  gristmill_guide_options(guide_fragments)
endif()

# What the guide says about the stores is what they say themselves; where one of them is not built, it cannot be asked.
add_executable(store_table ${PROJECT_SOURCE_DIR}/stores/open/table/main.cpp)
gristmill_test_options(store_table gristmill::stores)
set(every_store_is_here TRUE)
file(GLOB store_drivers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/stores ${PROJECT_SOURCE_DIR}/stores/*/src/driver.cpp)
foreach(driver IN LISTS store_drivers)
  string(REGEX REPLACE "/.*" "" store ${driver})
  if(NOT TARGET gristmill::${store})
    set(every_store_is_here FALSE)
  endif()
endforeach()
if(every_store_is_here)
  add_test(NAME guide.store_table COMMAND store_table --check ${PROJECT_SOURCE_DIR}/docs/guide/stores.md)
  set_tests_properties(guide.store_table PROPERTIES LABELS guide TIMEOUT 30)
endif()
