#include "clock.hpp"

#include <atomic>
#include <chrono>
#include <ctime>
#include <fstream>

namespace gm::stores::sqlite {

namespace {
std::atomic<micros> ahead{0};
}

void let_pass(micros time) noexcept { ahead.fetch_add(time, std::memory_order_relaxed); }

micros wall_now() noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
               .count() +
           ahead.load(std::memory_order_relaxed);
}

micros boot_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<micros>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000 + ahead.load(std::memory_order_relaxed);
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
