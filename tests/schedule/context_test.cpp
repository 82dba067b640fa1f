// Contexts and timers: cancels that race with each other, with new children, with waits and with the clock.

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/start.hpp>

#include "schedule/explore.hpp"

using namespace schedule;
using namespace std::chrono_literals;

TEST(context, one_of_two_cancels_wins_and_its_cause_stays) {
    expect_sound([](arena& here) {
        gm::context_source source;
        int won = 0;
        for (const char* why : {"one", "other"})
            here.go(why, [&, why] { won += source.cancel(std::make_exception_ptr(gm::cancelled(why))) ? 1 : 0; });
        here.go("reader", [&] {
            if (source.is_done()) here.check(source.get().cause() != nullptr, "done without a cause");
        });
        here.join();
        here.check_equal(won, 1, "cancels that won");
    });
}

TEST(context, child_made_during_its_parents_cancel_is_done_after_it) {
    expect_sound([](arena& here) {
        gm::context_source root;
        here.go("canceller", [&] { root.cancel(); });
        for (int i = 0; i != 2; ++i)
            here.go("maker", [&] {
                gm::context_source child(root.get());
                gm::context_source grandchild(child.get());
                gm::channel<int> never(0);
                here.check(never.receive(grandchild.get()).error() == gm::channel_status::cancelled, "not cancelled");
            });
        here.join();
    });
}

TEST(context, child_may_go_while_its_parent_is_cancelled) {
    expect_sound([](arena& here) {
        gm::context_source root;
        auto child = std::make_unique<gm::context_source>(root.get());
        auto grandchild = std::make_unique<gm::context_source>(child->get());
        here.go("canceller", [&] { root.cancel(); });
        here.go("child", [&] { child.reset(); });
        here.go("grandchild", [&] { grandchild.reset(); });
        here.join();
    });
}

TEST(context, every_waiter_is_woken_by_a_cancel) {
    expect_sound([](arena& here) {
        gm::context_source source;
        gm::channel<int> never(0);
        int woken = 0;
        for (int i = 0; i != 3; ++i) here.go("waiter", [&] { woken += never.receive(source.get()) ? 0 : 1; });
        here.go("canceller", [&] { source.cancel(); });
        here.join();
        here.check_equal(woken, 3, "woken");
    });
}

// A thread lined up first and told its context of it afterwards: in between, a value went to one that was cancelled already.
TEST(context, nothing_goes_to_a_waiter_after_its_cancel_has_returned) {
    expect_sound([](arena& here) {
        gm::context_source source;
        gm::channel<int> values(0), taken(0);
        gm::semaphore permits(1);
        permits.acquire();
        bool got = false;
        here.go("receiver", [&] { got = values.receive(source.get()).has_value(); });
        here.go("sender", [&] { got |= taken.send(1, source.get()).status() == gm::channel_status::ok; });
        here.go("permit", [&] { got |= permits.acquire(1, gm::until(source.get())) == gm::channel_status::ok; });
        here.go("canceller", [&] {
            source.cancel();
            here.check(values.try_send(1) != gm::channel_status::ok, "sent to a receiver that is cancelled");
            here.check(!taken.try_receive(), "received from a sender that is cancelled");
            permits.release();
            here.check(permits.try_acquire(1), "a permit went to one that is cancelled");
        });
        here.join();
        here.check(!got, "a cancelled operation succeeded");
    });
}

TEST(context, nothing_goes_to_a_callback_after_its_cancel_has_returned) {
    expect_sound([](arena& here) {
        gm::context_source source;
        gm::channel<int> values(0);
        gm::semaphore permits(1);
        permits.acquire();
        bool got = false;
        gm::started receive, acquire;
        here.go("receiver", [&] {
            receive = gm::start_receive(values, gm::until(source.get()), [&](auto value) { got |= value.has_value(); });
        });
        here.go("permit", [&] {
            acquire = gm::start_acquire(permits, 1, gm::until(source.get()),
                                        [&](gm::channel_status how) { got |= how == gm::channel_status::ok; });
        });
        here.go("canceller", [&] {
            source.cancel();
            here.check(values.try_send(1) != gm::channel_status::ok, "sent to a receiver that is cancelled");
            permits.release();
            here.check(permits.try_acquire(1), "a permit went to one that is cancelled");
        });
        here.join();
        here.check(!got, "a cancelled operation succeeded");
    });
}

TEST(context, deadline_may_come_while_the_context_goes) {
    expect_sound(
        [](arena& here) {
            for (int i = 0; i != 2; ++i)
                here.go("owner", [&] {
                    gm::context_source limited({}, 1s);
                    gm::channel<int> hand(1);
                    if (hand.receive(gm::until(limited.get(), 1s)).error() == gm::channel_status::cancelled)
                        here.check(limited.is_done(), "cancelled by a context that is not done");
                });
            here.go("loner", [&] {
                gm::context_source limited({}, 1s);
                static_cast<void>(limited.cancel());
            });
            here.join();
        },
        {.hasty_clock = true});
}

TEST(context, stop_tokens_and_done_channels_follow_a_cancel) {
    expect_sound([](arena& here) {
        gm::context_source source;
        here.go("canceller", [&] { source.cancel(); });
        here.go("channel", [&] { here.check(!source.get().done().receive(), "a value from nowhere"); });
        here.go("token", [&] {
            const std::stop_token token = source.get().stop_token();
            static_cast<void>(source.get().done().receive());
            here.check(source.is_done(), "its channel is closed, and it is not done");
        });
        here.join();
        here.check(source.get().stop_token().stop_requested(), "the token was not told");
    });
}

TEST(timer, stopped_timer_does_not_run_afterwards) {
    expect_sound(
        [](arena& here) {
            struct counted : gm::detail::timer {
                int runs = 0;
                bool stopped = false, ran_late = false;
            };
            std::array<counted, 3> timers;
            for (counted& each : timers) {
                each.fire = [](gm::detail::timer& self, gm::detail::wake_list&) noexcept {
                    auto& mine = static_cast<counted&>(self);
                    gm::detail::schedule_point();
                    if (mine.stopped) mine.ran_late = true;
                    ++mine.runs;
                };
                here.go("owner", [&] {
                    gm::detail::start_timer(each, gm::now() + 1s);
                    gm::detail::schedule_point();
                    gm::detail::stop_timer(each);
                    each.stopped = true;
                });
            }
            here.join();
            for (const counted& each : timers) here.check(each.runs <= 1 && !each.ran_late, "it ran late, or twice");
        },
        {.hasty_clock = true});
}
