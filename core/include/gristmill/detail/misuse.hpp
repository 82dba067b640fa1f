#pragma once
// Misuse (a negative wait group, a blocking wait on a scheduler's thread) is a bug in the program that calls us:
// it stops with what happened and where, and is never an exception that somebody may swallow.

#include <source_location>

namespace gm::detail {

// Prints "gristmill: misuse: <what> (file:line, in function)" to standard error and aborts.
[[noreturn]] void misuse(const char* what, std::source_location where = std::source_location::current()) noexcept;

}  // namespace gm::detail
