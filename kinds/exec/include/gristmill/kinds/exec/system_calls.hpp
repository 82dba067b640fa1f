#pragma once
// What every caller of the system's functions would write again.

#include <string_view>
#include <system_error>

namespace gm::kinds::exec {

// Why the call that has just failed did so.
std::error_code last_error() noexcept;

// All of it, however many writes that takes; one that would have to wait for its reader waits. No error: it is written.
std::error_code write_all(int file, std::string_view text) noexcept;

}  // namespace gm::kinds::exec
