#include <gristmill/jobs/registry.hpp>

#include <functional>

#include <gtest/gtest.h>

namespace {

using namespace gm::jobs;

TEST(registry, finds_kinds_by_name_with_their_options) {
    registry kinds;
    kinds.add("b", [](const body&) {}, {.timeout = std::chrono::seconds(30), .queue = "slow"});
    kinds.add("a", [](const body&) {});
    ASSERT_NE(kinds.find("b"), nullptr);
    EXPECT_EQ(kinds.find("b")->options.queue, "slow");
    EXPECT_EQ(kinds.find("b")->options.timeout, std::chrono::seconds(30));
    EXPECT_EQ(kinds.find("c"), nullptr);
    EXPECT_EQ(kinds.names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(kinds.has_functions());
    EXPECT_FALSE(kinds.has_coroutines());
}

TEST(registry, kind_whose_handler_returns_a_task_is_a_coroutine) {
    registry kinds;
    kinds.add("k", [](const body&) -> gm::task<int> { co_return 1; });
    EXPECT_TRUE(kinds.find("k")->coroutine);
    EXPECT_TRUE(kinds.has_coroutines());
    EXPECT_FALSE(kinds.has_functions());
}

using registry_death_test = ::testing::Test;

TEST(registry_death_test, misuse_stops_the_program_with_its_words) {
    registry kinds;
    kinds.add("twice", [](const body&) {});
    EXPECT_DEATH(kinds.add("twice", [](const body&) {}), "there is a kind 'twice' already.*registry_test.cpp");
    EXPECT_DEATH(kinds.add("", [](const body&) {}), "kind: is empty");
    EXPECT_DEATH(kinds.add("p", [](const body&) {}, {.retry = {.attempts = 0}}), "attempts is at least 1");
    EXPECT_DEATH(kinds.add("n", std::function<void(const body&)>()), "a kind without a handler");
    EXPECT_DEATH(kinds.add("t", [](const body&) {}, {.timeout = std::chrono::seconds(-1)}), "timeout: is negative");
}

}  // namespace
