#pragma once
// Misuse (a negative wait group, a blocking wait on a scheduler's thread) is a bug in the program that calls us:
// it stops with what happened and where, and is never an exception that somebody may swallow.

#include <source_location>
#include <type_traits>

namespace gm::detail {

// Prints "gristmill: misuse: <what> (file:line, in function)" to standard error and aborts.
[[noreturn]] void misuse(const char* what, std::source_location where = std::source_location::current()) noexcept;

// A std::function or a pointer that holds no function. A lambda always does, though it may convert to such a pointer.
template <class F>
constexpr bool is_empty_function(const F& f) noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>)
        return f == nullptr;
    else if constexpr (!std::is_convertible_v<const F&, bool> && requires { f == nullptr; })
        return f == nullptr;
    else
        return false;
}

}  // namespace gm::detail
