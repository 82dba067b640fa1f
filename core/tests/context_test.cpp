// The tree of contexts: causes, deadlines, done(), stop tokens both ways, deep and wide trees.
#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;
using gm::context;
using gm::context_source;

TEST(context, default_one_is_never_done) {
    const context never;
    EXPECT_FALSE(never.is_done());
    EXPECT_EQ(never.cause(), nullptr);
    EXPECT_EQ(never.deadline(), gm::time_point::max());
    EXPECT_FALSE(never.done());  // nil: a case that never fires
    EXPECT_FALSE(never.stop_token().stop_possible());
    never.check();
}

TEST(context, cancel_ends_it_once_and_the_first_cause_stays) {
    const context_source source;
    EXPECT_TRUE(source.cancel(std::make_exception_ptr(std::runtime_error("first"))));
    EXPECT_FALSE(source.cancel(std::make_exception_ptr(std::logic_error("second"))));
    EXPECT_TRUE(source.is_done());
    EXPECT_THROW(source.get().check(), std::runtime_error);
}

TEST(context, cancel_without_a_cause_is_cancelled) {
    const context_source source;
    source.cancel();
    EXPECT_THROW(source.get().check(), gm::cancelled);
    const context_source null;
    null.cancel(nullptr);
    EXPECT_THROW(null.get().check(), gm::cancelled);
}

TEST(context, parent_ends_its_descendants_with_its_cause_and_not_the_other_way) {
    const context_source root;
    const context_source child(root.get()), grandchild(child.get()), other(root.get());
    child.cancel(std::make_exception_ptr(std::runtime_error("mine")));
    EXPECT_TRUE(grandchild.is_done());
    EXPECT_THROW(grandchild.get().check(), std::runtime_error);
    EXPECT_FALSE(root.is_done());
    EXPECT_FALSE(other.is_done());
}

TEST(context, child_of_a_done_parent_is_done_at_once_with_its_cause) {
    const context_source root;
    root.cancel(std::make_exception_ptr(std::runtime_error("mine")));
    const context_source child(root.get());
    EXPECT_TRUE(child.is_done());
    EXPECT_THROW(child.get().check(), std::runtime_error);
}

TEST(context, source_that_goes_out_of_scope_cancels) {
    context kept;
    {
        const context_source source;
        kept = source;
        EXPECT_FALSE(kept.is_done());
    }
    EXPECT_TRUE(kept.is_done());
}

TEST(context, source_that_was_moved_does_not_cancel) {
    context_source first;
    const context kept = first;
    {
        const context_source second = std::move(first);
        EXPECT_FALSE(kept.is_done());
    }
    EXPECT_TRUE(kept.is_done());
}

TEST(context, deadline_ends_it_with_deadline_exceeded) {
    const context_source source({}, 3ms);
    EXPECT_FALSE(source.get().done().receive());
    EXPECT_THROW(source.get().check(), gm::deadline_exceeded);
    EXPECT_GE(gm::now(), source.get().deadline());
}

TEST(context, past_deadline_and_negative_timeout_are_done_at_once) {
    EXPECT_TRUE(context_source({}, gm::now() - 1s).is_done());
    EXPECT_TRUE(context_source({}, -1s).is_done());
    EXPECT_TRUE(context_source({}, std::chrono::nanoseconds::min()).is_done());
    EXPECT_FALSE(context_source({}, std::chrono::nanoseconds::max()).is_done());
    EXPECT_FALSE(context_source({}, gm::time_point::max()).is_done());
}

TEST(context, deadline_later_than_the_parents_has_no_effect) {
    const auto soon = gm::now() + 1h;
    const context_source parent({}, soon);
    EXPECT_EQ(context_source(parent, soon + 1h).get().deadline(), soon);
    EXPECT_EQ(context_source(parent, soon - 1min).get().deadline(), soon - 1min);
    EXPECT_EQ(context_source(parent.get()).get().deadline(), soon);
}

TEST(context, source_destroyed_before_its_deadline_stops_its_timer) {
    for (int i = 0; i < 500; ++i) {
        const context_source source({}, std::chrono::microseconds(i));
        const context_source child(source.get());
    }
}

// ---- done() ----

TEST(context, done_is_one_channel_that_is_closed_at_the_end) {
    const context_source source;
    const auto done = source.get().done();
    EXPECT_TRUE(done == source.get().done());
    EXPECT_EQ(done.try_receive().error(), channel_status::would_block);
    std::jthread waiter([&] { EXPECT_EQ(done.receive().error(), channel_status::closed); });
    gm::test::until_receivers_wait(done, 1);
    source.cancel();
    waiter.join();
    EXPECT_TRUE(source.get().done().closed());
}

TEST(context, done_asked_for_after_the_end_is_closed) {
    const context_source source;
    source.cancel();
    EXPECT_EQ(source.get().done().receive().error(), channel_status::closed);
}

TEST(context, done_asked_for_while_it_ends_is_closed_in_the_end) {
    for (int round = 0; round < 300; ++round) {
        const context_source source;
        std::jthread canceller([&] { source.cancel(); });
        EXPECT_EQ(source.get().done().receive().error(), channel_status::closed);
    }
}

TEST(context, done_outlives_the_context) {
    gm::receiver<gm::nothing> done;
    {
        const context_source source;
        done = source.get().done();
    }
    EXPECT_TRUE(done.closed());
}

// ---- stop tokens ----

TEST(context, stop_token_is_requested_when_it_ends) {
    const context_source source;
    const std::stop_token token = source.get().stop_token();
    bool called = false;
    const std::stop_callback callback(token, [&] { called = true; });
    EXPECT_FALSE(token.stop_requested());
    source.cancel();
    EXPECT_TRUE(token.stop_requested());
    EXPECT_TRUE(called);
    EXPECT_TRUE(source.get().stop_token().stop_requested());
}

TEST(context, stop_request_ends_it) {
    std::stop_source stop;
    const context_source source(stop.get_token());
    const context_source child(source.get());
    EXPECT_FALSE(source.is_done());
    stop.request_stop();
    EXPECT_TRUE(source.is_done());
    EXPECT_TRUE(child.is_done());
    EXPECT_THROW(source.get().check(), gm::cancelled);
    EXPECT_TRUE(context_source(stop.get_token()).is_done());
}

TEST(context, jthread_stops_what_waits_with_its_token) {
    const channel<int> numbers(0);
    std::jthread worker([&](std::stop_token stop) {
        const context_source source(stop);
        EXPECT_EQ(numbers.receive(source).error(), channel_status::cancelled);
    });
    gm::test::until_receivers_wait(numbers, 1);
}

TEST(context, ring_of_bridges_ends_once) {
    const context_source first;
    const context_source second(first.get().stop_token());
    const context_source third(second.get().stop_token());
    EXPECT_TRUE(first.cancel());
    EXPECT_TRUE(third.is_done());
    EXPECT_FALSE(third.cancel());
}

// ---- trees ----

// B15: the last handle of a deep tree let go of it by recursion, one frame a level.
TEST(context, deep_tree_is_cancelled_and_freed_without_recursion) {
    constexpr int deep = 200'000;
    context leaf;
    {
        std::vector<context_source> chain;
        chain.reserve(deep);
        chain.emplace_back();
        for (int i = 1; i < deep; ++i) chain.emplace_back(chain.back().get());
        leaf = chain.back();
        chain.front().cancel();
        EXPECT_TRUE(leaf.is_done());
    }
}

TEST(context, wide_tree_is_cancelled_whole) {
    const context_source root;
    std::vector<context_source> children;
    for (int i = 0; i < 10'000; ++i) children.emplace_back(root.get());
    for (int i = 0; i < 9'000; ++i) children.pop_back();
    root.cancel();
    for (const context_source& each : children) EXPECT_TRUE(each.is_done());
}

TEST(context, trees_may_grow_and_shrink_while_they_are_cancelled) {
    for (int round = 0; round < 100; ++round) {
        const context_source root;
        std::vector<std::jthread> growers;
        for (int i = 0; i < 2; ++i)
            growers.emplace_back([&] {
                while (!root.is_done()) {
                    const context_source child(root.get());
                    const context_source grandchild(child.get(), 1h);
                    std::optional<context_source> brief(child.get());
                    brief.reset();
                }
                EXPECT_TRUE(context_source(root.get()).is_done());
            });
        root.cancel();
    }
}

TEST(context, wait_that_begins_while_it_is_cancelled_ends) {
    const channel<int> numbers(0);
    for (int round = 0; round < 500; ++round) {
        const context_source source;
        std::jthread canceller([&] { source.cancel(); });
        EXPECT_EQ(numbers.receive(source).error(), channel_status::cancelled);
    }
    EXPECT_EQ(gm::test::waiting_receivers(numbers), 0u);
}

}  // namespace
