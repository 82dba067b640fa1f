#include "clock.hpp"

#include <atomic>
#include <ctime>
#include <fstream>

namespace gm::stores::sqlite {

namespace {

std::atomic<micros> ahead{0}, wall_ahead{0};
std::atomic<micros> wall_stands_at{0}, boot_stands_at{0};  // 0: it goes

micros read(clockid_t which) noexcept {
    timespec now{};
    clock_gettime(which, &now);
    return static_cast<micros>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
}

micros moved(clockid_t which, const std::atomic<micros>& stands_at) noexcept {
    const micros at = stands_at.load(std::memory_order_relaxed);
    return (at != 0 ? at : read(which)) + ahead.load(std::memory_order_relaxed);
}

}  // namespace

micros wall_now() noexcept {
    return moved(CLOCK_REALTIME, wall_stands_at) + wall_ahead.load(std::memory_order_relaxed);
}
micros boot_now() noexcept { return moved(CLOCK_BOOTTIME, boot_stands_at); }

void let_pass(micros time) noexcept { ahead.fetch_add(time, std::memory_order_relaxed); }

void set_wall(micros by) noexcept { wall_ahead.fetch_add(by, std::memory_order_relaxed); }

void stand_still(bool wanted) noexcept {
    wall_stands_at.store(wanted ? read(CLOCK_REALTIME) : 0, std::memory_order_relaxed);
    boot_stands_at.store(wanted ? read(CLOCK_BOOTTIME) : 0, std::memory_order_relaxed);
}

const std::string& boot_id() {
    static const std::string id = [] {
        std::string read;
        std::ifstream("/proc/sys/kernel/random/boot_id") >> read;
        return read;
    }();
    return id;
}

}  // namespace gm::stores::sqlite
