#include <gristmill/jobs/client.hpp>

#include <cmath>
#include <map>
#include <ranges>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

struct size_args {
    std::string path;
    double factor = 1;
    static constexpr auto fields = gm::jobs::fields("path", &size_args::path, "factor", &size_args::factor);
    bool valid(std::string& why) const { return factor > 0 || (why = "the factor is above 0", false); }
};

TEST(client, insert_carries_every_option_into_the_record) {
    workshop shop;
    const job_id parent = shop.put("k");
    const insert_options how{.queue = "q",
                             .key = "key",
                             .priority = 5,
                             .tags = {"t"},
                             .timeout = 7s,
                             .retry = retry_policy{.attempts = 3},
                             .unique = unique_key{.key = "u"},
                             .after = {parent},
                             .orphaned = when_parent_fails::run};
    const record job = shop.look(shop.put("k", size_args{"a.jpg", 2}, how));
    EXPECT_EQ(job.kind, "k");
    EXPECT_EQ(job.arguments.bytes, R"({"path":"a.jpg","factor":2})");
    EXPECT_EQ(job.queue, "q");
    EXPECT_EQ(job.key, "key");
    EXPECT_EQ(job.priority, 5);
    EXPECT_EQ(job.tags, std::vector<std::string>{"t"});
    EXPECT_EQ(job.timeout, 7s);
    EXPECT_EQ(job.retry->attempts, 3);
    EXPECT_EQ(job.unique->key, "u");
    EXPECT_EQ(job.after, std::vector{parent});
    EXPECT_EQ(job.orphaned, when_parent_fails::run);
    EXPECT_EQ(job.state, state::waiting);
}

TEST(client, delay_is_counted_from_now) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) {});
        shop.run();
        const gm::time_point start = gm::now();
        const job_id id = shop.put("k", body{"1", {}}, {.delay = 2h});
        EXPECT_EQ(shop.look(id).state, state::scheduled);
        EXPECT_EQ(shop.end_of(id).state, state::completed);
        EXPECT_GE(gm::now() - start, 2h);
        EXPECT_LE(gm::now() - start, 2h + 2s);
    });
}

TEST(client, arguments_that_are_not_valid_are_refused_with_the_path) {
    workshop shop;
    const auto bad = shop.client.insert("k", size_args{"a", -1});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().fault, store_fault::invalid);
    EXPECT_EQ(bad.error().what, "arguments: $: the factor is above 0");
    const auto no_number = shop.client.insert("k", size_args{"a", std::nan("")});
    ASSERT_FALSE(no_number);
    EXPECT_EQ(no_number.error().path, "$.factor");
    const auto second = shop.client.insert_all("k", std::vector<size_args>{{"a", 1}, {"b", 0}});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().what, "arguments of job 1: $: the factor is above 0");
    EXPECT_EQ(shop.store->ledger()->count({}).value(), 0u);
}

TEST(client, with_the_registry_it_refuses_what_no_handler_could_read) {
    workshop shop;
    shop.kinds.add<size_args>("size", [](const size_args&) {}, {.queue = "images"});
    client knowing(*shop.store, shop.kinds);
    const auto raw = knowing.insert("size", body{R"({"path":7,"factor":1})", {}});
    ASSERT_FALSE(raw);
    EXPECT_EQ(raw.error().path, "$.path");
    EXPECT_EQ(raw.error().what, "arguments: $.path: expected a string, got a number");
    EXPECT_FALSE(knowing.insert("size", body{R"({"path":"a","factor":1,"pat":1})", {}}));  // a slip
    EXPECT_FALSE(knowing.insert("sise", size_args{"a", 1}));
    const auto good = knowing.insert("size", size_args{"a", 1});
    ASSERT_TRUE(good);
    EXPECT_EQ(shop.look(good->id).queue, "images");
    const auto elsewhere = knowing.insert("size", size_args{"a", 1}, {.queue = "other"});
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ(shop.look(elsewhere->id).queue, "other");
}

TEST(client, fault_of_the_job_itself_is_told) {
    workshop shop;
    const auto bad = shop.client.insert("k", 1, {.priority = 1000});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().fault, store_fault::invalid);
    EXPECT_NE(bad.error().what.find("priority"), std::string::npos);
}

TEST(client, duplicate_says_who_has_the_key) {
    workshop shop;
    const job_id first = shop.put("k", 1, {.unique = unique_key{.key = "u"}});
    const auto second = shop.client.insert("k", 2, {.unique = unique_key{.key = "u"}});
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->duplicate);
    EXPECT_EQ(second->id, first);
}

TEST(client, insert_all_takes_a_hundred_thousand_in_one_call) {
    workshop shop;
    const auto put = shop.client.insert_all("k", std::views::iota(0, 100'000), {.priority = 3});
    ASSERT_TRUE(put);
    ASSERT_EQ(put->size(), 100'000u);
    EXPECT_EQ(shop.look(put->at(77'777).id).arguments.bytes, "77777");
    EXPECT_EQ(shop.store->ledger()->count({.states = {state::available}}).value(), 100'000u);
}

TEST(client, wait_ends_with_the_job_with_its_limit_or_with_its_context) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<int>("k", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.run();
        const gm::time_point start = gm::now();
        const job_id id = shop.put("k", 100);
        EXPECT_EQ(shop.client.wait(id, 10s).error().why, wait_error::timed_out);
        EXPECT_EQ(gm::now() - start, 10s);
        gm::context_source ctx({}, 20s);
        EXPECT_EQ(shop.client.wait(id, ctx).error().why, wait_error::cancelled);
        EXPECT_EQ(gm::now() - start, 30s);
        EXPECT_TRUE(shop.client.wait(id));
        EXPECT_LE(gm::now() - start, 101s);
        EXPECT_EQ(shop.client.wait({12345}).error().why, wait_error::missing);
    });
}

TEST(client, cancel_and_retry_change_one_job) {
    workshop shop;
    const job_id id = shop.put("k");
    EXPECT_TRUE(shop.client.cancel(id).value());
    EXPECT_EQ(shop.look(id).state, state::cancelled);
    EXPECT_FALSE(shop.client.cancel(id).value());
    EXPECT_TRUE(shop.client.retry(id).value());
    EXPECT_EQ(shop.look(id).state, state::available);
    EXPECT_EQ(shop.client.find({99}).value(), std::nullopt);
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS
TEST(client, async_wait_holds_no_thread) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { gm::sleep(10s); });
        shop.run();
        const job_id id = shop.put("k");
        gm::scheduler tasks;
        const auto end = tasks.block_on(shop.client.async_wait(id));
        ASSERT_TRUE(end);
        EXPECT_EQ(end->state, state::completed);
        gm::context_source ctx({}, 1s);
        const auto other = tasks.block_on(shop.client.async_wait(shop.put("k"), ctx));
        EXPECT_EQ(other.error().why, wait_error::cancelled);
    });
}
#endif

}  // namespace
