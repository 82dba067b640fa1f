#pragma once
// A value that is counted: a test whose fixture derives from live_values fails when one is left over.

#include <atomic>
#include <utility>

#include <gtest/gtest.h>

namespace gm_test {

struct live_value {
    static inline std::atomic<int> alive{0};
    explicit live_value(int n = 0) noexcept : number(n) { ++alive; }
    live_value(live_value&& other) noexcept : number(std::exchange(other.number, -1)) { ++alive; }
    live_value(const live_value& other) noexcept : number(other.number) { ++alive; }
    live_value& operator=(live_value&&) noexcept = default;
    live_value& operator=(const live_value&) noexcept = default;
    ~live_value() { --alive; }
    int number;
};

class live_values : public ::testing::Test {
protected:
    void SetUp() override { live_value::alive = 0; }
    void TearDown() override { EXPECT_EQ(live_value::alive.load(), 0) << "values that were never destroyed"; }
};

}  // namespace gm_test
