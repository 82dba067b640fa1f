#include <gristmill/jobs/retry.hpp>

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace {

using gm::jobs::retry_policy;
using namespace std::chrono_literals;

constexpr std::uint64_t middle = std::uint64_t{1} << 63;  // no jitter either way

TEST(retry, delays_grow_up_to_the_longest) {
    const retry_policy policy{.attempts = 100, .first = 5s, .factor = 2, .longest = 60s};
    EXPECT_EQ(policy.delay_after(1, middle), 5s);
    EXPECT_EQ(policy.delay_after(2, middle), 10s);
    EXPECT_EQ(policy.delay_after(4, middle), 40s);
    EXPECT_EQ(policy.delay_after(5, middle), 60s);
    EXPECT_EQ(policy.delay_after(99, middle), 60s);
    const retry_policy endless{.attempts = std::numeric_limits<int>::max(), .factor = 1e300};
    EXPECT_EQ(endless.delay_after(1'000'000'000, middle), 1h);
}

TEST(retry, the_last_attempt_has_no_delay) {
    const retry_policy policy{.attempts = 3};
    EXPECT_TRUE(policy.delay_after(2, middle));
    EXPECT_FALSE(policy.delay_after(3, middle));
    EXPECT_FALSE(policy.delay_after(4, middle));
    EXPECT_FALSE((retry_policy{.attempts = 1}.delay_after(1, middle)));
}

TEST(retry, jitter_stays_within_its_bounds_and_uses_them) {
    const retry_policy policy{.first = 10s, .jitter = 0.5};
    EXPECT_EQ(policy.delay_after(1, 0), 5s);
    EXPECT_LE(policy.delay_after(1, ~std::uint64_t{0}), 15s);
    std::mt19937_64 dice(7);
    double sum = 0;
    for (int i = 0; i != 10'000; ++i) sum += static_cast<double>(policy.delay_after(1, dice())->count());
    EXPECT_NEAR(sum / 10'000, 10e6, 0.1e6);
}

TEST(retry, says_what_is_wrong_with_it) {
    EXPECT_EQ(retry_policy{}.fault(), nullptr);
    EXPECT_STREQ(retry_policy{.attempts = 0}.fault(), "attempts is at least 1");
    EXPECT_STREQ(retry_policy{.first = -1s}.fault(), "first is not negative");
    EXPECT_STREQ((retry_policy{.first = 2s, .longest = 1s}.fault()), "longest is at least as long as first");
    EXPECT_STREQ(retry_policy{.factor = 0.5}.fault(), "factor is at least 1");
    EXPECT_STREQ(retry_policy{.factor = std::numeric_limits<double>::quiet_NaN()}.fault(), "factor is at least 1");
    EXPECT_STREQ(retry_policy{.jitter = 1.5}.fault(), "jitter is 0 to 1");
}

}  // namespace
