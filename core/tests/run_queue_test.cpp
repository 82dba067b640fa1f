// A worker's queue against a model, and with a thief: nothing is lost, nothing comes twice.
#include <gristmill/detail/worker.hpp>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/seed.hpp"

namespace {

using gm::detail::run_queue;
using gm::detail::task_header;
constexpr std::uint16_t mark = 1;

TEST(run_queue, resumptions_leave_first_in_first_out) {
    run_queue queue;
    std::vector<task_header> tasks(100);
    for (auto& each : tasks) queue.push(each);
    for (auto& each : tasks) EXPECT_EQ(queue.pop(), &each);
    EXPECT_EQ(queue.pop(), nullptr);
}

TEST(run_queue, children_leave_last_in_first_out_and_let_a_resumption_pass_after_16) {
    run_queue queue;
    std::vector<task_header> children(40);
    task_header resumption;
    for (auto& each : children) queue.push_child(each, mark);
    queue.push(resumption);
    int before = 0;
    while (true) {
        task_header* const next = queue.pop();
        if (next == &resumption) break;
        EXPECT_EQ(next, &children[children.size() - 1 - static_cast<std::size_t>(before)]);
        ++before;
    }
    EXPECT_EQ(before, 16);
}

TEST(run_queue, random_operations_agree_with_a_model) {
    gm::test::random_source dice(gm::test::seed());
    run_queue queue;
    std::vector<task_header> tasks(300);
    std::vector<task_header*> free;
    for (auto& each : tasks) free.push_back(&each);
    std::deque<task_header*> ready, children;  // the newest child is at the back
    for (int step = 0; step < 50'000; ++step) {
        switch (dice.below(5)) {
            case 0:
            case 1:
                if (free.empty()) break;
                if (dice.one_in(2)) {
                    queue.push(*free.back());
                    ready.push_back(free.back());
                } else {
                    queue.push_child(*free.back(), mark);
                    children.push_back(free.back());
                }
                free.pop_back();
                break;
            case 2: {
                task_header* const got = queue.pop();
                if (!got) {
                    ASSERT_TRUE(ready.empty() && children.empty());
                    break;
                }
                if (!children.empty() && got == children.back()) {
                    children.pop_back();
                } else {
                    ASSERT_FALSE(ready.empty());
                    ASSERT_EQ(got, ready.front());
                    ready.pop_front();
                }
                free.push_back(got);
                break;
            }
            case 3: {
                const std::size_t half = (ready.size() + 1) / 2;
                std::size_t taken = 0;
                for (task_header* each = queue.steal(); each; ++taken) {
                    task_header* const following = each->next;
                    auto& from = half != 0 ? ready : children;
                    ASSERT_FALSE(from.empty());
                    ASSERT_EQ(each, from.front());
                    from.pop_front();
                    free.push_back(each);
                    each = following;
                }
                ASSERT_LE(taken, std::max<std::size_t>(half, 1));
                break;
            }
            default:
                if (children.empty()) break;
                ASSERT_TRUE(queue.take_back(*children.back(), mark));
                free.push_back(children.back());
                children.pop_back();
        }
        ASSERT_EQ(queue.size(), ready.size() + children.size());
    }
}

TEST(run_queue, owner_and_thieves_take_each_task_once) {
#if defined(GRISTMILL_SLOW_BUILD)
    constexpr std::size_t count = 20'000;
#else
    constexpr std::size_t count = 200'000;
#endif
    run_queue queue;
    std::vector<task_header> tasks(count);
    std::vector<std::atomic<int>> taken(count);
    auto note = [&](const task_header& task) { ++taken[static_cast<std::size_t>(&task - tasks.data())]; };
    std::atomic<bool> over = false;
    std::vector<std::jthread> thieves;
    for (int i = 0; i < 2; ++i)
        thieves.emplace_back([&] {
            while (!over)
                for (task_header* each = queue.steal(); each;) {
                    task_header* const following = each->next;
                    note(*each);
                    each = following;
                }
        });
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 3 == 0)
            queue.push_child(tasks[i], mark);
        else
            queue.push(tasks[i]);
        if (i % 4 == 0)
            if (task_header* const mine = queue.pop()) note(*mine);
        if (i % 3 == 0 && i % 2 == 0 && queue.take_back(tasks[i], mark)) note(tasks[i]);
    }
    while (task_header* const mine = queue.pop()) note(*mine);
    over = true;
    thieves.clear();
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(taken[i], 1) << i;
}

}  // namespace
