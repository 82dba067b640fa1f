// Channels between strands that block: rendezvous and bounded, with timeouts, contexts and closes that race.

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>

#include "schedule/accounting.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

struct real_channel {
    gm::channel<int> inner;
    bool send(int value) { return static_cast<bool>(inner.send(value)); }
    std::optional<int> receive(std::optional<std::chrono::nanoseconds> timeout = {}) {
        return timeout ? inner.receive(*timeout).to_optional() : inner.receive().to_optional();
    }
};

template <std::size_t Capacity>
void exchange(arena& here) {
    real_channel channel{gm::channel<int>(Capacity)};
    values_arrive_once_and_in_order(here, channel);
}

}  // namespace

TEST(channel, rendezvous_passes_each_value_once) { expect_sound(exchange<0>); }
TEST(channel, one_slot_passes_each_value_once) { expect_sound(exchange<1>); }
TEST(channel, buffer_passes_each_value_once) { expect_sound(exchange<3>); }

TEST(channel, unbounded_passes_each_value_once) {
    expect_sound([](arena& here) {
        real_channel channel{gm::channel<int>::unbounded()};
        values_arrive_once_and_in_order(here, channel);
    });
}

TEST(channel, receive_that_times_out_loses_no_value) {
    expect_sound(
        [](arena& here) {
            real_channel channel{gm::channel<int>(2)};
            timeout_loses_no_value(here, channel);
        },
        {.hasty_clock = true});
}

TEST(channel, waiter_is_not_passed_by_those_who_come_later) {
    expect_sound([](arena& here) {
        real_channel channel{gm::channel<int>(static_cast<std::size_t>(here.pick(2)))};
        waiter_is_not_passed(here, channel);
    });
}

TEST(channel, send_and_receive_that_time_out_agree) {
    expect_sound(
        [](arena& here) {
            gm::channel<int> hand(0);
            int sent = 0, received = 0;
            for (int i = 0; i != 2; ++i) {
                here.go("sender", [&] { sent += hand.send(1, 1s) ? 1 : 0; });
                here.go("receiver", [&] { received += hand.receive(1s) ? 1 : 0; });
            }
            here.join();
            here.check_equal(sent, received, "sent and received differ");
        },
        {.hasty_clock = true});
}

TEST(channel, close_ends_every_wait_and_keeps_what_was_sent) {
    expect_sound([](arena& here) {
        gm::channel<int> channel(here.pick(3));
        int sent = 0, received = 0, closers = 0;
        for (int i = 0; i != 2; ++i) {
            here.go("sender", [&] {
                for (int k = 0; k != 2; ++k) sent += channel.send(k) ? 1 : 0;
            });
            here.go("closer", [&] { closers += channel.close() ? 1 : 0; });
        }
        here.go("receiver", [&] {
            while (channel.receive()) ++received;
        });
        here.join();
        here.check_equal(sent, received, "sent and received differ");
        here.check_equal(closers, 1, "closed more than once");
    });
}

TEST(channel, cancel_and_hand_off_agree_who_won) {
    expect_sound([](arena& here) {
        gm::channel<int> hand(0);
        gm::context_source source;
        int sent = 0, received = 0;
        here.go("sender", [&] { sent += hand.send(1, source) ? 1 : 0; });
        here.go("receiver", [&] { received += hand.receive(source) ? 1 : 0; });
        here.go("canceller", [&] { here.check(source.cancel(), "a cancel was ignored"); });
        here.join();
        here.check_equal(sent, received, "sent and received differ");
    });
}

// All who can end a thread's wait, at once.
TEST(channel, cancel_deadline_and_hand_off_agree_who_won) {
    expect_sound(
        [](arena& here) {
            gm::channel<int> channel(here.pick(2));
            gm::context_source source;
            int sent = 0, received = 0;
            for (int i = 0; i != 2; ++i) {
                here.go("sender", [&] { sent += channel.send(1, gm::until(source, 1s)) ? 1 : 0; });
                here.go("receiver", [&] { received += channel.receive(gm::until(source, 1s)) ? 1 : 0; });
            }
            here.go("canceller", [&] { here.check(source.cancel(), "a cancel was ignored"); });
            here.join();
            while (channel.try_receive()) ++received;
            here.check_equal(sent, received, "sent and received differ");
        },
        {.hasty_clock = true});
}

TEST(channel, tries_lose_and_double_nothing) {
    expect_sound([](arena& here) {
        gm::channel<int> channel(1);
        int sent = 0, received = 0;
        for (int i = 0; i != 2; ++i) {
            here.go("sender", [&] {
                for (int k = 0; k != 2; ++k) sent += channel.try_send(k) == gm::channel_status::ok ? 1 : 0;
            });
            here.go("receiver", [&] {
                for (int k = 0; k != 2; ++k) received += channel.try_receive() ? 1 : 0;
            });
        }
        here.join();
        while (channel.try_receive()) ++received;
        here.check_equal(sent, received, "sent and received differ");
    });
}

TEST(channel, batches_account_for_every_value) {
    expect_sound([](arena& here) {
        gm::channel<int> channel(2);
        std::size_t sent = 0, received = 0;
        here.go("sender", [&] { sent += channel.send_all(std::vector<int>{1, 2, 3, 4}); });
        here.go("closer", [&] { channel.close(); });
        for (int i = 0; i != 2; ++i)
            here.go("receiver", [&] {
                std::vector<int> some;
                while (channel.receive_some(some, 2) != 0) {
                }
                received += some.size();
            });
        here.join();
        here.check_equal(sent, received, "sent and received differ");
    });
}

// The last handle may go while another thread has just been woken.
TEST(channel, handles_may_go_as_soon_as_their_owner_is_done) {
    expect_sound([](arena& here) {
        auto* const hand = new gm::channel<int>(0);
        here.go("sender", [mine = *hand] { static_cast<void>(mine.send(1)); });
        here.go("receiver", [mine = *hand] { static_cast<void>(mine.receive()); });
        delete hand;
        here.join();
    });
}
