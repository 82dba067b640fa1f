// Compiled into the library, so that a program can compare what it was compiled with and what it was linked with.
#include <gristmill/version.hpp>

namespace gm {

const char* version() noexcept { return GRISTMILL_VERSION; }

}  // namespace gm
