// Coroutines on a scheduler of three workers, which are preempted in the middle of an operation and steal from each other;
// and coroutines and threads on one channel.

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/scheduler.hpp>

#include "schedule/accounting.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

gm::task<> send_some(arena& here, gm::channel<int> to, int sender, int count, ledger& book) {
    for (int i = 0; i != count; ++i) {
        book.sent(sender * 100 + i);
        here.check(static_cast<bool>(co_await to.async_send(sender * 100 + i)), "a send failed");
    }
}

gm::task<> receive_some(gm::channel<int> from, int count, ledger& book, std::vector<int>& mine) {
    for (int i = 0; i != count; ++i) book.received(*co_await from.async_receive(), mine);
}

// Waits until all tasks are done. If one never is, that is a deadlock.
void drain(arena& here, gm::scheduler& sched) {
    here.check(static_cast<bool>(sched.shutdown(std::chrono::milliseconds::max())), "a task was left");
}

template <std::size_t Capacity>
void tasks_exchange(arena& here) {
    ledger book;
    std::array<std::vector<int>, 2> got;
    gm::scheduler sched;
    gm::channel<int> channel(Capacity);
    for (int i = 0; i != 2; ++i) {
        here.check(sched.spawn(send_some(here, channel, i, 2, book)), "refused");
        here.check(sched.spawn(receive_some(channel, 2, book, got[static_cast<std::size_t>(i)])), "refused");
    }
    drain(here, sched);
    book.settle(here);
    for (const auto& mine : got) ledger::in_order(here, mine);
}

}  // namespace

TEST(tasks, rendezvous_passes_each_value_once) { expect_sound(tasks_exchange<0>); }
TEST(tasks, one_slot_passes_each_value_once) { expect_sound(tasks_exchange<1>); }
TEST(tasks, buffer_passes_each_value_once) { expect_sound(tasks_exchange<3>); }

TEST(tasks, threads_and_tasks_meet_on_one_channel) {
    expect_sound([](arena& here) {
        ledger book;
        std::array<std::vector<int>, 2> got;
        gm::scheduler sched;
        gm::channel<int> channel(here.pick(2));
        here.check(sched.spawn(send_some(here, channel, 0, 2, book)), "refused");
        here.check(sched.spawn(receive_some(channel, 2, book, got[0])), "refused");
        here.go("sender", [&] {
            for (int i = 0; i != 2; ++i) {
                book.sent(100 + i);
                here.check(static_cast<bool>(channel.send(100 + i)), "a send failed");
            }
        });
        here.go("receiver", [&] {
            for (int i = 0; i != 2; ++i) book.received(*channel.receive(), got[1]);
        });
        here.join();
        drain(here, sched);
        book.settle(here);
        for (const auto& mine : got) ledger::in_order(here, mine);
    });
}

// Two schedulers: what is made ready crosses from one to the other.
TEST(tasks, two_schedulers_meet_on_one_channel) {
    expect_sound([](arena& here) {
        ledger book;
        std::vector<int> got;
        gm::channel<int> channel(here.pick(2));
        gm::scheduler one, other;
        here.check(one.spawn(send_some(here, channel, 0, 3, book)), "refused");
        here.check(other.spawn(receive_some(channel, 3, book, got)), "refused");
        drain(here, one);
        drain(here, other);
        book.settle(here);
        ledger::in_order(here, got);
    });
}

TEST(tasks, close_ends_every_wait_and_keeps_what_was_sent) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        gm::channel<int> channel(here.pick(3));
        int sent = 0, received = 0;
        const auto sender = [&]() -> gm::task<> {
            for (int i = 0; i != 3; ++i) sent += co_await channel.async_send(int{i}) ? 1 : 0;
        };
        const auto receiver = [&]() -> gm::task<> {
            while (co_await channel.async_receive()) ++received;
        };
        here.check(sched.spawn(sender()) && sched.spawn(receiver()), "refused");
        here.go("closer", [&] { channel.close(); });
        here.join();
        drain(here, sched);
        here.check_equal(sent, received, "sent and received differ");
    });
}

TEST(tasks, cancel_and_hand_off_agree_who_won) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        gm::channel<int> hand(0);
        gm::context_source source;
        int sent = 0, received = 0;
        const auto sender = [&]() -> gm::task<> {
            for (int i = 0; i != 2; ++i) sent += co_await hand.async_send(int{i}, source.get()) ? 1 : 0;
        };
        const auto receiver = [&]() -> gm::task<> {
            for (int i = 0; i != 2; ++i) received += co_await hand.async_receive(source.get()) ? 1 : 0;
        };
        here.check(sched.spawn(sender()) && sched.spawn(receiver()), "refused");
        here.go("canceller", [&] { here.check(source.cancel(), "a cancel was ignored"); });
        here.join();
        drain(here, sched);
        here.check_equal(sent, received, "sent and received differ");
    });
}

TEST(tasks, deadline_and_hand_off_agree_who_won) {
    expect_sound(
        [](arena& here) {
            gm::scheduler sched;
            gm::channel<int> hand(0);
            gm::context_source source;
            int sent = 0, received = 0;
            const auto sender = [&]() -> gm::task<> {
                for (int i = 0; i != 2; ++i)
                    sent += co_await hand.async_send(int{i}, gm::until(source.get(), 1ms)) ? 1 : 0;
            };
            const auto receiver = [&]() -> gm::task<> {
                for (int i = 0; i != 2; ++i)
                    received += co_await hand.async_receive(gm::until(source.get(), 1ms)) ? 1 : 0;
            };
            here.check(sched.spawn(sender()) && sched.spawn(receiver()), "refused");
            here.go("canceller", [&] { here.check(source.cancel(), "a cancel was ignored"); });
            here.join();
            drain(here, sched);
            here.check_equal(sent, received, "sent and received differ");
        },
        {.hasty_clock = true});
}

// A scheduler that is shut down destroys what waits, while threads send to it: each value is received, or destroyed with
// its receiver and counted, or handed back.
TEST(tasks, destruction_of_waiting_receivers_accounts_for_every_value) {
    expect_sound([](arena& here) {
        std::size_t received = 0, sent = 0, destroyed = 0;
        gm::channel<int> hand(0);
        {
            gm::scheduler sched;
            const auto receiver = [&]() -> gm::task<> {
                while (co_await hand.async_receive()) ++received;
            };
            for (int i = 0; i != 2; ++i) here.check(sched.spawn(receiver()), "refused");
            here.go("sender", [&] {
                for (int i = 0; i != 2; ++i) sent += hand.send(i) ? 1 : 0;
            });
            here.go("trier", [&] {
                for (int i = 0; i != 2; ++i) sent += hand.try_send(int{i}) == gm::channel_status::ok ? 1 : 0;
            });
            destroyed = sched.shutdown(0ms).values_destroyed;
        }
        hand.close();
        here.join();
        here.check_equal(sent, received + destroyed, "sent, and received or destroyed, differ");
    });
}

TEST(tasks, destruction_of_waiting_senders_leaves_the_channel_sound) {
    expect_sound([](arena& here) {
        gm::channel<int> channel(1);
        int sent = 0, received = 0;
        {
            gm::scheduler sched;
            const auto sender = [&]() -> gm::task<> {
                while (co_await channel.async_send(1)) ++sent;
            };
            for (int i = 0; i != 2; ++i) here.check(sched.spawn(sender()), "refused");
            here.go("receiver", [&] {
                for (int i = 0; i != 2; ++i) received += channel.receive() ? 1 : 0;
            });
            static_cast<void>(sched.shutdown(0ms));
        }
        channel.close();
        here.join();
        while (channel.receive()) ++received;
        // A sender that was destroyed between its commit and its next step did send, and could not count it.
        here.check(received >= sent && received <= sent + 2, "sent and received differ");
    });
}

TEST(tasks, forks_run_once_whoever_takes_them) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        int runs = 0, sum = 0;
        gm::channel<int> gate(1);
        const auto leaf = [&](int value) -> gm::task<int> {
            ++runs;
            if (value == 2) static_cast<void>(co_await gate.async_send(1));
            co_return value;
        };
        const auto parent = [&]() -> gm::task<> {
            auto one = gm::fork(leaf(1));
            auto two = gm::fork(leaf(2));
            co_await gm::yield();  // the forks may be stolen from here on, and meanwhile
            auto three = gm::fork(leaf(3));
            const int c = co_await three;
            const int b = co_await two;
            sum += c + b + co_await one;
        };
        here.check(sched.spawn(parent()) && sched.spawn(parent()), "refused");
        here.go("receiver", [&] {
            for (int i = 0; i != 2; ++i) static_cast<void>(gate.receive());
        });
        here.join();
        drain(here, sched);
        here.check_equal(runs, 6, "forks run");
        here.check_equal(sum, 12, "sum of the forks");
    });
}

TEST(tasks, block_on_returns_from_any_thread) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        gm::channel<int> hand(0);
        const auto echo = [&]() -> gm::task<int> { co_return *co_await hand.async_receive(); };
        int got = 0;
        here.go("asker", [&] { got = sched.block_on(echo()); });
        static_cast<void>(hand.send(5));
        here.join();
        here.check_equal(got, 5, "the answer");
    });
}
