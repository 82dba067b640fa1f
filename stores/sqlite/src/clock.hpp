#pragma once
// The clocks of this machine. What becomes due goes by the clock on the wall; whether a worker lives never does: it goes by the
// time since the boot, which nobody sets and which runs on while the machine sleeps, and by which boot that was.

#include <cstdint>
#include <string>

namespace gm::stores::sqlite {

using micros = std::int64_t;

micros wall_now() noexcept;  // since 1970
micros boot_now() noexcept;  // since the boot
const std::string& boot_id();

// For tests: both clocks of this process go on by that much at once; they stand still but for that.
void let_pass(micros time) noexcept;
void stand_still(bool wanted) noexcept;
// Somebody sets the clock on the wall of this process, by so much forward or back.
void set_wall(micros by) noexcept;

}  // namespace gm::stores::sqlite
