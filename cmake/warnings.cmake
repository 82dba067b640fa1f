# The warnings of the house, for its own targets only: neither GoogleTest nor a user of the library is held to them.
add_library(gristmill_warnings INTERFACE)
target_compile_options(gristmill_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion $<$<BOOL:${GRISTMILL_WERROR}>:-Werror>)
# Where many files are compiled as one, names of one hide those of another, and g++ takes what is private to a file for something out of
# a header.
set(joined "$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>")
target_compile_options(gristmill_warnings INTERFACE $<$<NOT:${joined}>:-Wshadow>
                       $<$<AND:${joined},$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
