// The version of gristmill, in the one place where it is written: CMake, the package files and the tests read it here.
//
// The macros tell which headers a program was compiled with, gm::version() which library it was linked with. Within one
// minor version of 0.x, and one major version from 1.0 on, the two may differ in the last number.
#pragma once

#define GRISTMILL_VERSION_MAJOR 0
#define GRISTMILL_VERSION_MINOR 1
#define GRISTMILL_VERSION_PATCH 0
#define GRISTMILL_VERSION "0.1.0"

namespace gm {

// Returns the version that the linked library was built as, for example "0.1.0". Thread safety: any thread, any time.
[[nodiscard]] const char* version() noexcept;

}  // namespace gm
