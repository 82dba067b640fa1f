# The warnings of the house, for its own targets only: neither GoogleTest nor a user of the library is held to them.
add_library(gristmill_warnings INTERFACE)
target_compile_options(gristmill_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                                    $<$<BOOL:${GRISTMILL_WERROR}>:-Werror>)
