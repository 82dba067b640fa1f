#pragma once
// What every channel has to keep, whatever the schedule: each value arrives once, in its sender's order, nobody waits for
// ever, and who waits is not passed by those who come later. The same checks judge the real channel and the broken ones.

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "schedule/explore.hpp"

namespace schedule {

// Values are sender × 100 + a number that counts up.
class ledger {
public:
    void sent(int value) { ++sent_[value]; }
    void received(int value) { ++received_[value]; }
    void received(int value, std::vector<int>& mine) {
        received(value);
        mine.push_back(value);
    }

    void settle(arena& here) const {
        for (const auto& [value, times] : received_) {
            here.check(times == 1, "a value was received twice");
            here.check(sent_.contains(value), "a value was received that nobody sent");
        }
        here.check(received_.size() == sent_.size(), "a value was lost");
    }

    static void in_order(arena& here, const std::vector<int>& mine) {
        std::map<int, int> last;
        for (const int value : mine) {
            const auto [at, first] = last.try_emplace(value / 100, value);
            here.check(first || at->second < value, "values of one sender came out of order");
            at->second = value;
        }
    }

private:
    std::map<int, int> sent_, received_;
};

// C: bool send(int), std::optional<int> receive(std::optional<nanoseconds> = {}).
template <class C>
void values_arrive_once_and_in_order(arena& here, C& channel) {
    ledger book;
    std::array<std::vector<int>, 2> got;
    for (int sender = 0; sender != 2; ++sender)
        here.go("sender", [&, sender] {
            for (int i = 0; i != 2; ++i) {
                book.sent(sender * 100 + i);
                here.check(channel.send(sender * 100 + i), "a send failed");
            }
        });
    for (auto& mine : got)
        here.go("receiver", [&] {
            for (int i = 0; i != 2; ++i) book.received(*channel.receive(), mine);
        });
    here.join();
    book.settle(here);
    for (const auto& mine : got) ledger::in_order(here, mine);
}

// requires: a send does not wait.
template <class C>
void timeout_loses_no_value(arena& here, C& channel) {
    ledger book;
    for (int receiver = 0; receiver != 2; ++receiver)
        here.go("receiver", [&] {
            if (const auto value = channel.receive(std::chrono::seconds(1))) book.received(*value);
        });
    here.go("sender", [&] {
        for (int i = 0; i != 2; ++i) {
            book.sent(i);
            here.check(channel.send(i), "a send failed");
        }
    });
    here.join();
    while (const auto value = channel.receive(std::chrono::seconds(0))) book.received(*value);
    book.settle(here);
}

// One waits; a rival that comes only after it must not be served before it.
template <class C>
void waiter_is_not_passed(arena& here, C& channel) {
    bool served = false;
    const std::size_t patient = here.go("patient", [&] {
        here.check(channel.receive().has_value(), "a receive failed");
        served = true;
    });
    here.go("rival", [&] {
        for (int i = 0; i != 2; ++i) {
            const bool comes_later = !served && here.asleep(patient);
            here.check(channel.receive().has_value(), "a receive failed");
            here.check(!comes_later || served || !here.asleep(patient), "a waiter was passed by one who came later");
        }
    });
    here.go("sender", [&] {
        for (int i = 0; i != 3; ++i) here.check(channel.send(i), "a send failed");
    });
    here.join();
}

}  // namespace schedule
