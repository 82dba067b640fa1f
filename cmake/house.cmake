# What only this checkout's own builds need, before any target exists: the options of a developer, the sanitizers (they
# must reach GoogleTest too) and ccache if it is there. A project that includes gristmill never sees this file.
option(GRISTMILL_TESTS "Build the tests" ON)
option(GRISTMILL_EXAMPLES "Build the examples and the demo" ON)
option(GRISTMILL_UPPER_ROOMS "Build what stands on the library: jobs, stores, kinds, program" ON)
option(GRISTMILL_WERROR "Warnings are errors" OFF)
option(GRISTMILL_NO_COROUTINE_TESTS "Leave out what runs a coroutine: g++ 12 miscompiles them" OFF)
set(GRISTMILL_SANITIZE "" CACHE STRING "What to hand to -fsanitize=, for example address,undefined")

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)
include(warnings)

if(GRISTMILL_SANITIZE)
  add_compile_options(-fsanitize=${GRISTMILL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GRISTMILL_SANITIZE})
endif()

find_program(GRISTMILL_CCACHE ccache)
mark_as_advanced(GRISTMILL_CCACHE)
if(GRISTMILL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GRISTMILL_CCACHE})
endif()
