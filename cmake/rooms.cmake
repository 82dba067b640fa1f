# The rooms of the house that are no part of the library. A room whose folder is not there yet is passed over.
function(gristmill_room wanted folder)
  if(wanted AND EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endfunction()

if(GRISTMILL_TESTS)
  enable_testing()
endif()
gristmill_room("${GRISTMILL_EXAMPLES}" examples)
gristmill_room("${GRISTMILL_BENCH}" bench)
gristmill_room("${GRISTMILL_TESTS}" tests)
