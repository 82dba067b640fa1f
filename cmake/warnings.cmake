# The warnings of the house, for its own targets only: neither GoogleTest nor a user of the library is held to them.
add_library(gristmill_warnings INTERFACE)
target_compile_options(gristmill_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion $<$<BOOL:${GRISTMILL_WERROR}>:-Werror>)
if(CMAKE_UNITY_BUILD)
  # Many files as one: names of one hide those of another, and g++ takes what is private to a file for something out of a header.
  target_compile_options(gristmill_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
else()
  target_compile_options(gristmill_warnings INTERFACE -Wshadow)
endif()
