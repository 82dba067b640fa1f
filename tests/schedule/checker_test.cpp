// The checkers, shown what they have to catch: a sound channel passes, and each planted bug is found.

#include "schedule/accounting.hpp"
#include "schedule/mini_channel.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define GRISTMILL_SEARCHED_FOR_LEAKS 1
#endif
#endif

using namespace schedule;

namespace {

// A world that ends in a deadlock never unwinds its strands: what they hold is lost with them, and is meant to be.
struct strands_may_be_lost {
#if defined(GRISTMILL_SEARCHED_FOR_LEAKS)
    __lsan::ScopedDisabler search;
#endif
    strands_may_be_lost() {}
    ~strands_may_be_lost() {}
};

template <plant Bug>
void exchange(arena& here) {
    mini_channel<Bug> channel;
    values_arrive_once_and_in_order(here, channel);
}
template <plant Bug>
void timeouts(arena& here) {
    mini_channel<Bug> channel;
    timeout_loses_no_value(here, channel);
}
template <plant Bug>
void patience(arena& here) {
    mini_channel<Bug> channel;
    waiter_is_not_passed(here, channel);
}

constexpr effort hasty{.hasty_clock = true};

}  // namespace

TEST(checker, sound_channel_passes_every_check) {
    expect_sound(exchange<plant::nothing>, {.schedules = 3000});
    expect_sound(timeouts<plant::nothing>, {.schedules = 3000, .hasty_clock = true});
    expect_sound(patience<plant::nothing>, {.schedules = 3000});
}

TEST(checker, lost_wakeup_is_found) {
    const strands_may_be_lost here;
    expect_found(exchange<plant::lost_wakeup>, "deadlock");
}
TEST(checker, duplicate_is_found) { expect_found(exchange<plant::duplicate>, "received twice"); }
TEST(checker, lost_value_is_found) { expect_found(timeouts<plant::lost_value>, "a value was lost", hasty); }
TEST(checker, starved_waiter_is_found) {
    expect_found(patience<plant::starved_waiter>, "passed by one who came later");
}

TEST(checker, seed_of_a_failure_fails_again) {
    const strands_may_be_lost here;
    const finding first = explore(exchange<plant::lost_wakeup>);
    for (int i = 0; i != 3; ++i) {
        const finding again = explore(exchange<plant::lost_wakeup>);
        EXPECT_EQ(again.seed, first.seed);
        EXPECT_EQ(again.steps, first.steps);
        EXPECT_EQ(again.failure, first.failure);
    }
}

TEST(checker, loop_without_an_end_is_found) {
    expect_found(
        [](arena& here) {
            here.go("spinner", [] {
                while (true) gm::detail::schedule_point();
            });
        },
        "never ends", {.schedules = 3});
}
