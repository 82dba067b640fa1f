#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <random>

#include <gtest/gtest.h>

#include "program/run/estimate.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono_literals;

const auto first_moment = estimate::clock::now();
estimate::clock::time_point at(double seconds) {
    return first_moment + std::chrono::duration_cast<estimate::clock::duration>(std::chrono::duration<double>(seconds));
}

TEST(estimate, says_nothing_before_it_knows) {
    estimate one(first_moment);
    one.observe(0, {}, at(1));
    EXPECT_FALSE(one.left(100));
    for (int i = 0; i < 3; ++i) one.finished(1);
    one.observe(3, {}, at(2));
    EXPECT_TRUE(one.left(100));
}

TEST(estimate, equal_jobs_make_a_narrow_range) {
    estimate one(first_moment);
    const std::vector<double> ages{0.05, 0.15};
    for (unsigned second = 1; second <= 60; ++second) {
        for (int i = 0; i < 10; ++i) one.finished(0.2);
        one.observe(second * 10, ages, at(second));
    }
    EXPECT_NEAR(one.rate(), 10, 0.01);
    const auto left = one.left(1200);
    ASSERT_TRUE(left);
    EXPECT_NEAR(left->low, 60, 2);
    EXPECT_NEAR(left->high, 60, 2);
    EXPECT_EQ(left_text(*left), "1m left");
}

TEST(estimate, follows_a_crew_that_has_become_slower) {
    estimate one(first_moment);
    for (unsigned second = 1; second <= 100; ++second)
        one.observe(std::min(second, 50u) * 100 + second, {}, at(second));
    EXPECT_LT(one.rate(), 20);  // from 101 a second to 1; 51 on average
}

TEST(estimate, what_runs_for_long_may_run_for_as_long_again) {
    estimate one(first_moment);
    for (int i = 0; i < 90; ++i) one.finished(1);
    one.observe(90, std::vector{0.5}, at(90));
    EXPECT_LT(one.left(91)->high, 3);
    one.observe(90, std::vector{600.}, at(690));
    EXPECT_GE(one.left(91)->high, 600);
}

// A run of `durations` on a crew, asked once a second or so for what is left. How often the truth was inside of the range.
struct score {
    unsigned asked = 0, inside = 0;
};
void play(const std::vector<double>& durations, unsigned crew, score& sum) {
    std::priority_queue<std::pair<double, double>, std::vector<std::pair<double, double>>, std::greater<>> running;
    estimate one(first_moment);
    std::size_t next = 0;
    double end = 0;
    std::vector<double> ends;
    for (; next < crew; ++next) running.emplace(durations[next], durations[next]);
    struct said {
        double when;
        estimate::seconds_left range;
    };
    std::vector<said> all;
    const std::size_t every = durations.size() / 10;
    for (std::size_t done = 1; !running.empty(); ++done) {
        const auto [when, took] = running.top();
        running.pop();
        end = when;
        one.finished(took);
        if (next < durations.size()) {
            running.emplace(when + durations[next], durations[next]);
            ++next;
        }
        std::vector<double> ages;
        for (auto rest = running; !rest.empty(); rest.pop())
            ages.push_back(when - (rest.top().first - rest.top().second));
        one.observe(done, ages, at(when));
        if (done % every != 0 || running.empty()) continue;
        if (const auto left = one.left(durations.size())) all.push_back({when, *left});
    }
    for (const said& each : all) {
        ++sum.asked;
        sum.inside += end - each.when >= each.range.low && end - each.when <= each.range.high;
    }
}

TEST(estimate, the_truth_is_inside_about_eight_times_of_ten) {
#ifdef GRISTMILL_SLOW_BUILD
    constexpr int rounds = 8;
#else
    constexpr int rounds = 40;
#endif
    std::mt19937_64 random(7);
    struct kind {
        const char* name;
        double least;
        std::function<double()> draw;
    };
    const std::vector<kind> kinds = {
        {"nearly equal", 0.75, [&] { return std::normal_distribution(10., 0.5)(random); }},
        {"evenly spread", 0.75, [&] { return std::uniform_real_distribution(1., 9.)(random); }},
        {"exponential", 0.75, [&] { return std::exponential_distribution(0.2)(random); }},
        {"skewed", 0.7, [&] { return std::lognormal_distribution(0., 1.)(random); }},
        // Most of these runs are nearly over when the first of the long ones ends: nobody can know.
        {"one in fifty takes a hundred times as long", 0.3,
         [&] { return std::bernoulli_distribution(0.02)(random) ? 100. : 1.; }}};
    for (const auto& [name, least, draw] : kinds) {
        score sum;
        for (const unsigned crew : {2u, 8u, 32u})
            for (int round = 0; round < rounds; ++round) {
                std::vector<double> durations(400);
                for (double& one : durations) one = std::max(0.01, draw());
                play(durations, crew, sum);
            }
        const double share = sum.inside / static_cast<double>(sum.asked);
        EXPECT_GT(share, least) << name;
    }
}

TEST(estimate, texts_are_as_exact_as_what_they_say) {
    EXPECT_EQ(left_text({3, 3.1}), "3s left");
    EXPECT_EQ(left_text({62, 187}), "1m to 3m10s left");
    EXPECT_EQ(left_text({4000, 40000}), "1h10m to 11h left");
    EXPECT_EQ(left_text({0, 0}), "1s left");
    EXPECT_EQ(rate_text(0.05), "3.0/min");
    EXPECT_EQ(rate_text(2.34), "2.3/s");
    EXPECT_EQ(duration_text(3725), "1h2m");
    EXPECT_EQ(duration_text(59.4), "59s");
}

}  // namespace
