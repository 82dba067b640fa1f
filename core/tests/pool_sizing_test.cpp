// What the sizing report says of made-up loads.
#include <gristmill/detail/sizing.hpp>

#include <cmath>

#include <gtest/gtest.h>

namespace {

using gm::detail::judge;

std::string advice(unsigned workers, double work, std::size_t waiting = 0) {
    return judge({.workers = workers, .work = work, .waiting = waiting}).advice;
}

TEST(sizing, crew_at_its_aim_fits) {
    EXPECT_EQ(advice(10, 7.5), "10 workers, 75 % used: the size fits");
    EXPECT_EQ(advice(10, 8.0), "10 workers, 80 % used: the size fits");
    EXPECT_EQ(advice(1, 0.5), "1 worker, 50 % used: the size fits");
    EXPECT_EQ(advice(1, 0), "1 worker, 0 % used: the size fits");
}

TEST(sizing, crew_that_is_little_used_could_be_smaller) {
    EXPECT_EQ(advice(10, 2), "10 workers, 20 % used: fewer would do; 3 would be used 67 %");
    EXPECT_EQ(advice(4, 0), "4 workers, 0 % used: fewer would do; 1 would be used 0 %");
}

TEST(sizing, crew_above_its_aim_is_a_little_small) {
    EXPECT_EQ(advice(10, 8.5), "10 workers, 85 % used: a little small; 11 would be used 77 %");
    EXPECT_EQ(advice(1, 0.9), "1 worker, 90 % used: a little small; 2 would be used 45 %");
}

TEST(sizing, crew_that_is_always_busy_is_too_small_and_its_load_a_lower_bound) {
    EXPECT_EQ(advice(10, 9.9), "10 workers, 99 % used: too small; at least 13 are needed");
    EXPECT_EQ(advice(10, 10, 40), "10 workers, 100 % used: too small; 40 jobs wait now; at least 13 are needed");
    EXPECT_EQ(advice(1, 1, 1), "1 worker, 100 % used: too small; 1 job waits now; at least 2 are needed");
}

TEST(sizing, jobs_that_wait_for_a_moment_do_not_make_an_idle_crew_too_small) {
    EXPECT_EQ(advice(10, 5, 100), "10 workers, 50 % used: fewer would do; 7 would be used 71 %");
}

TEST(sizing, words_and_figures_agree_for_every_load) {
    for (unsigned workers = 1; workers <= 40; ++workers)
        for (double work = 0; work <= workers; work += 0.07) {
            const gm::sizing_report is = judge({.workers = workers, .work = work});
            SCOPED_TRACE(is.advice);
            EXPECT_LE(work / is.suggested, 0.8 + 1e-9);
            if (is.suggested > 1) {
                EXPECT_GT(work / (is.suggested - 1), 0.8 - 1e-9);
            }
            EXPECT_EQ(is.advice.find("fits") != std::string::npos, is.suggested == workers);
            EXPECT_EQ(is.advice.find("fewer") != std::string::npos, is.suggested < workers);
            EXPECT_EQ(is.advice.find("small;") != std::string::npos, is.suggested > workers);
            EXPECT_GE(is.utilisation_with_one_less, is.utilisation);
            EXPECT_EQ(std::isinf(is.utilisation_with_one_less), workers == 1);
        }
}

}  // namespace
