#pragma once
// The seed of a random test: printed, so that a failure can be repeated with GRISTMILL_SEED. And how long a stress test
// runs: GRISTMILL_STRESS_SECONDS, 2 if it is not set.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

namespace gm::test {

inline std::uint64_t seed() {
    static const std::uint64_t first = [] {
        if (const char* const given = std::getenv("GRISTMILL_SEED")) return std::strtoull(given, nullptr, 0);
        return static_cast<unsigned long long>(std::random_device{}());
    }();
    const ::testing::TestInfo* const info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::printf("%s: GRISTMILL_SEED=%llu\n", info ? info->name() : "?", static_cast<unsigned long long>(first));
    return first;
}

class random_source {
public:
    explicit random_source(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t limit) {
        return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(engine_);
    }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::mt19937_64 engine_;
};

inline std::chrono::steady_clock::duration stress_time() {
    double seconds = 2;
    if (const char* const given = std::getenv("GRISTMILL_STRESS_SECONDS")) seconds = std::strtod(given, nullptr);
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace gm::test
