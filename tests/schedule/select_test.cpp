// Selects: one claim word, several channels, two selects that meet, closes and deadlines that race.

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>

#include "schedule/accounting.hpp"

using namespace schedule;
using namespace std::chrono_literals;

TEST(select, receive_from_two_channels_takes_each_value_once) {
    expect_sound([](arena& here) {
        ledger book;
        gm::channel<int> a(here.pick(2)), b(0);
        for (int sender = 0; sender != 2; ++sender)
            here.go("sender", [&, sender] {
                for (int i = 0; i != 2; ++i) {
                    book.sent(sender * 100 + i);
                    here.check(static_cast<bool>((sender == 0 ? a : b).send(sender * 100 + i)), "a send failed");
                }
            });
        for (int k = 0; k != 2; ++k)
            here.go("selector", [&] {
                for (int i = 0; i != 2; ++i)
                    static_cast<void>(gm::select(gm::on(a, [&](int v) { book.received(v); }),
                                                 gm::on(b, [&](int v) { book.received(v); })));
            });
        here.join();
        book.settle(here);
    });
}

TEST(select, two_selects_that_meet_exchange_one_value) {
    expect_sound([](arena& here) {
        gm::channel<int> a(0), b(0);
        int sent = 0, received = 0;
        for (const bool turned : {false, true})
            here.go(turned ? "one" : "other", [&, turned] {
                const auto& first = turned ? b : a;
                const auto& second = turned ? a : b;
                static_cast<void>(
                    gm::select(gm::on(first, gm::send(1), [&] { ++sent; }), gm::on(second, [&](int) { ++received; })));
            });
        here.join();
        here.check_equal(sent, 1, "sent");
        here.check_equal(received, 1, "received");
    });
}

TEST(select, same_channel_twice_fires_once) {
    expect_sound([](arena& here) {
        gm::channel<int> a(0);
        int received = 0, sent = 0;
        here.go("selector", [&] {
            for (int i = 0; i != 2; ++i)
                static_cast<void>(gm::select(gm::on(a, [&](int) { ++received; }), gm::on(a, [&](int) { ++received; })));
        });
        for (int i = 0; i != 2; ++i) here.go("sender", [&] { sent += a.send(1) ? 1 : 0; });
        here.join();
        here.check_equal(sent, 2, "sent");
        here.check_equal(received, 2, "received");
    });
}

TEST(select, close_wakes_and_retires_without_a_loss) {
    expect_sound([](arena& here) {
        gm::channel<int> a(here.pick(2)), b(0);
        int sent = 0, received = 0;
        here.go("selector", [&] {
            while (gm::select(gm::on(a, [&](int) { ++received; }), gm::on(b, [&](int) { ++received; }))) {
            }
        });
        for (const bool which : {false, true})
            here.go("sender", [&, which] {
                auto& to = which ? a : b;
                sent += to.send(1) ? 1 : 0;
                to.close();
            });
        here.join();
        here.check_equal(sent, received, "sent and received differ");
    });
}

TEST(select, deadline_and_hand_off_agree_who_won) {
    expect_sound(
        [](arena& here) {
            gm::channel<int> a(0), b(0);
            int sent = 0, received = 0;
            here.go("selector", [&] {
                static_cast<void>(gm::select(gm::on(a, [&](int) { ++received; }), gm::on(b, [&](int) { ++received; }),
                                             gm::after(1s, [] {})));
            });
            here.go("a", [&] { sent += a.send(1, 1s) ? 1 : 0; });
            here.go("b", [&] { sent += b.send(1, 1s) ? 1 : 0; });
            here.join();
            here.check_equal(sent, received, "sent and received differ");
        },
        {.hasty_clock = true});
}

TEST(select, cancelled_context_wakes_a_select) {
    expect_sound([](arena& here) {
        gm::channel<int> a(0);
        gm::context_source source;
        int sent = 0, received = 0, ended = 0;
        for (int i = 0; i != 2; ++i)
            here.go("selector", [&] {
                static_cast<void>(
                    gm::select(gm::on(a, [&](int) { ++received; }),
                               gm::on(source.get().done(), [&](std::optional<gm::nothing>) { ++ended; })));
            });
        here.go("sender", [&] { sent += a.try_send(1) == gm::channel_status::ok ? 1 : 0; });
        here.go("canceller", [&] { source.cancel(); });
        here.join();
        here.check_equal(received + ended, 2, "selects that fired");
        here.check_equal(sent, received, "sent and received differ");
    });
}

TEST(select, tasks_that_select_account_for_every_value) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        gm::channel<int> a(0), b(here.pick(2));
        int sent = 0, received = 0;
        const auto selector = [&]() -> gm::task<> {
            for (int i = 0; i != 2; ++i)
                static_cast<void>(co_await gm::async_select(gm::on(a, [&](int) { ++received; }),
                                                            gm::on(b, [&](int) { ++received; })));
        };
        const auto sender = [&](gm::channel<int> first, gm::channel<int> second) -> gm::task<> {
            for (int i = 0; i != 2; ++i)
                static_cast<void>(co_await gm::async_select(gm::on(first, gm::send(1), [&] { ++sent; }),
                                                            gm::on(second, gm::send(2), [&] { ++sent; })));
        };
        here.check(sched.spawn(selector()) && sched.spawn(selector()), "refused");
        here.check(sched.spawn(sender(a, b)) && sched.spawn(sender(b, a)), "refused");
        here.check(static_cast<bool>(sched.shutdown(std::chrono::milliseconds::max())), "a task was left");
        here.check_equal(sent, 4, "sent");
        here.check(received == sent || received + static_cast<int>(b.size()) == sent, "a value was lost");
    });
}

TEST(select, destruction_of_a_task_that_selects_loses_no_value) {
    expect_sound([](arena& here) {
        gm::channel<int> a(0), b(0);
        std::size_t sent = 0, received = 0, destroyed = 0;
        {
            gm::scheduler sched;
            const auto selector = [&]() -> gm::task<> {
                while (true)
                    static_cast<void>(co_await gm::async_select(gm::on(a, [&](int) { ++received; }),
                                                                gm::on(b, [&](int) { ++received; })));
            };
            here.check(sched.spawn(selector()), "refused");
            for (gm::channel<int>* each : {&a, &b})
                here.go("sender", [&, each] {
                    for (int i = 0; i != 2; ++i) sent += each->try_send(1) == gm::channel_status::ok ? 1 : 0;
                });
            destroyed = sched.shutdown(0ms).values_destroyed;
        }
        here.join();
        here.check_equal(sent, received + destroyed, "sent, and received or destroyed, differ");
    });
}
