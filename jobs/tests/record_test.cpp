#include <gristmill/jobs/ledger.hpp>

#include <gtest/gtest.h>

namespace jobs = gm::jobs;
using namespace std::chrono_literals;

TEST(new_job, fault_names_the_field) {
    const auto fault = [](auto change) {
        jobs::new_job job{.kind = "image.resize"};
        change(job);
        return jobs::fault_of(job);
    };
    EXPECT_EQ(fault([](auto&) {}), "");
    EXPECT_EQ(fault([](auto& job) { job.kind = ""; }), "kind: is empty");
    EXPECT_EQ(fault([](auto& job) { job.queue = std::string(256, 'q'); }), "queue: is 256 bytes long, of 255 allowed");
    EXPECT_EQ(fault([](auto& job) { job.key = "a\nb"; }), "key: has a control character");
    EXPECT_EQ(fault([](auto& job) { job.tags = {"fine", "\xff"}; }), "tags: is not valid UTF-8");
    EXPECT_EQ(fault([](auto& job) { job.arguments.bytes.resize(70000); }), "arguments: 70000 bytes, of 65536 allowed");
    EXPECT_EQ(fault([](auto& job) { job.priority = 101; }), "priority: 101 is not within -100 to 100");
    EXPECT_EQ(fault([](auto& job) { job.timeout = -1s; }), "timeout: is negative");
    EXPECT_EQ(fault([](auto& job) { job.retry = jobs::retry_policy{.attempts = 0}; }), "retry: attempts is at least 1");
    EXPECT_EQ(fault([](auto& job) { job.unique = {.key = "k", .until = jobs::unique_for::window}; }),
              "unique: the window has no length");
    EXPECT_EQ(fault([](auto& job) { job.after = {jobs::job_id{}}; }), "after: no job has the id 0");
}

TEST(queue_limits, fault_names_the_field) {
    EXPECT_EQ(jobs::fault_of(jobs::queue_limits{}), "");
    EXPECT_EQ(jobs::fault_of(jobs::queue_limits{.rate = -1}), "rate: is no number from 0 up");
    EXPECT_EQ(jobs::fault_of(jobs::queue_limits{.burst = 0}), "burst: is at least 1");
    EXPECT_EQ(jobs::fault_of(jobs::queue_limits{.weights = {{"a", 0.0}}}), "weights: that of 'a' is not above 0");
}

TEST(feature, has_words_for_each) {
    for (int i = 0; i != jobs::features; ++i) {
        EXPECT_FALSE(jobs::name_of(static_cast<jobs::feature>(i)).empty());
        EXPECT_FALSE(jobs::meaning_of(static_cast<jobs::feature>(i)).empty());
    }
}
