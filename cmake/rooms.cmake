# The rooms of the house that are no part of the library. A room whose folder is not there yet is passed over. bench/ is a
# project of its own, which includes this one.
function(gristmill_room wanted folder)
  if(wanted AND EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endfunction()

if(GRISTMILL_TESTS)
  enable_testing()
endif()
if(GRISTMILL_UPPER_ROOMS)
  gristmill_room(ON jobs)
  gristmill_room(ON stores)
  gristmill_room(ON kinds)
  gristmill_room(ON program)
endif()
gristmill_room("${GRISTMILL_EXAMPLES}" examples)
gristmill_room("${GRISTMILL_TESTS}" tests)
