// The runner on the memory store, on virtual time: what becomes of an attempt, by how its handler ends.
#include <gristmill/jobs/runner.hpp>

#include <memory>
#include <stdexcept>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

struct sum_args {
    int a = 0, b = 0;
    static constexpr auto fields = gm::jobs::fields("a", &sum_args::a, "b", &sum_args::b);
};
struct sum_result {
    int sum = 0;
    static constexpr auto fields = gm::jobs::fields("sum", &sum_result::sum);
};

TEST(runner, typed_handler_gets_its_arguments_and_its_result_is_kept) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<sum_args>("sum", [](const sum_args& args) { return sum_result{args.a + args.b}; });
        shop.run();
        const record end = shop.end_of(shop.put("sum", sum_args{2, 3}));
        EXPECT_EQ(end.state, state::completed);
        EXPECT_EQ(result_of<sum_result>(end)->sum, 5);
        EXPECT_EQ(end.attempts, 1);
        const runner_report& report = shop.stop();
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.completed, 1u);
        EXPECT_EQ(report.counts.started, 1u);
    });
}

sum_result add_by_value(sum_args args) { return {args.a + args.b}; }
json as_json(json args) { return json(json::list{std::move(args), json(1)}); }

TEST(runner, handler_of_every_form_runs) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<sum_args>("function", add_by_value);
        shop.kinds.add<json>("json", as_json);
        shop.kinds.add("raw", [](const body& args) { return body{args.bytes + "!", "text/plain"}; });
        shop.kinds.add<std::vector<int>>("with attempt", [](std::vector<int> args, attempt& self) {
            EXPECT_EQ(self.kind(), "with attempt");
            return static_cast<int>(args.size()) + self.number();
        });
        shop.kinds.add<int>("move-only", [held = std::make_unique<int>(7)](int by) { return *held * by; });
        shop.kinds.add<int>("void", [](int) {});
        shop.run();
        EXPECT_EQ(result_of<sum_result>(shop.end_of(shop.put("function", sum_args{1, 1})))->sum, 2);
        EXPECT_EQ(shop.end_of(shop.put("json", json("x"))).result.bytes, R"(["x",1])");
        EXPECT_EQ(shop.end_of(shop.put("raw", body{"\xff", "image/png"})).result, (body{"\xff!", "text/plain"}));
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("with attempt", std::vector{4, 5}))).value(), 3);
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("move-only", 6))).value(), 42);
        EXPECT_EQ(shop.end_of(shop.put("void", 6)).result, body{});
    });
}

TEST(runner, handler_sees_what_its_job_says) {
    on_virtual_time([] {
        workshop shop;
        bool seen = false;
        shop.kinds.add("look", [&](const body& args, attempt& self) {
            EXPECT_EQ(self.queue(), "default");
            EXPECT_EQ(self.key(), "customer 7");
            EXPECT_EQ(self.tags(), (std::vector<std::string>{"night", "slow"}));
            EXPECT_EQ(self.number(), 1);
            EXPECT_EQ(self.crashes(), 0);
            EXPECT_EQ(args.bytes, "null");
            EXPECT_TRUE(self.id());
            EXPECT_FALSE(self.stop_requested());
            seen = true;
        });
        shop.run();
        static_cast<void>(shop.put("look", body{"null", {}}, {.key = "customer 7", .tags = {"night", "slow"}}));
        gm::sleep(1s);
        EXPECT_TRUE(seen);
    });
}

TEST(runner, give_up_is_dead_at_once) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { throw give_up("no such customer"); });
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        ASSERT_EQ(end.errors.size(), 1u);
        EXPECT_EQ(end.errors[0].error, "no such customer");
    });
}

TEST(runner, failure_is_tried_again_by_the_policy_and_the_last_one_keeps_all_errors) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add(
            "k", [](const body&, attempt& self) { throw std::runtime_error("try " + std::to_string(self.number())); },
            {.retry = {.attempts = 4, .first = 10s, .factor = 3, .jitter = 0}});
        shop.run();
        const gm::time_point start = gm::now();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.attempts, 4);
        ASSERT_EQ(end.errors.size(), 4u);
        for (int i = 0; i != 4; ++i) {
            EXPECT_EQ(end.errors[static_cast<std::size_t>(i)].error, "try " + std::to_string(i + 1));
            EXPECT_EQ(end.errors[static_cast<std::size_t>(i)].attempt, i + 1);
        }
        const auto took = gm::now() - start;  // 10 + 30 + 90 seconds, and the waiting for its end
        EXPECT_GE(took, 130s);
        EXPECT_LE(took, 132s);
    });
}

TEST(runner, own_policy_of_a_job_is_stronger_than_its_kinds) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { throw std::runtime_error("no"); }, {.retry = {.attempts = 9}});
        shop.run();
        const job_id id = shop.put("k", body{"1", {}}, {.retry = retry_policy{.attempts = 2, .first = 1s}});
        EXPECT_EQ(shop.end_of(id).attempts, 2);
    });
}

TEST(runner, exception_of_any_type_is_a_failure) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<std::string>("k", [](const std::string& what) {
            if (what == "int") throw 7;
            if (what == "text") throw "words";
            throw std::logic_error("logic");
        });
        shop.run();
        const insert_options once{.retry = retry_policy{.attempts = 1}};
        EXPECT_EQ(shop.end_of(shop.put("k", std::string("int"), once)).errors.at(0).error,
                  "an exception that is no std::exception");
        EXPECT_EQ(shop.end_of(shop.put("k", std::string("text"), once)).errors.at(0).error, "words");
        EXPECT_EQ(shop.end_of(shop.put("k", std::string("logic"), once)).errors.at(0).error, "logic");
    });
}

TEST(runner, try_again_gives_the_time_and_counts_as_a_failure) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { throw try_again(5min, "rate limited"); }, {.retry = {.attempts = 3}});
        shop.run();
        const gm::time_point start = gm::now();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.attempts, 3);
        EXPECT_EQ(end.errors.at(2).error, "rate limited");
        EXPECT_GE(gm::now() - start, 10min);
        EXPECT_LE(gm::now() - start, 10min + 2s);
    });
}

TEST(runner, snooze_does_not_count) {
    on_virtual_time([] {
        workshop shop;
        int calls = 0;
        shop.kinds.add("k",
                       [&](const body&, attempt& self) {
                           EXPECT_EQ(self.number(), 1);
                           if (++calls < 5) throw snooze(1h);
                       },
                       {.retry = {.attempts = 1}});
        shop.run();
        const gm::time_point start = gm::now();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::completed);
        EXPECT_EQ(end.attempts, 1);
        EXPECT_TRUE(end.errors.empty());
        EXPECT_EQ(calls, 5);
        EXPECT_GE(gm::now() - start, 4h);
        EXPECT_LE(gm::now() - start, 4h + 2s);
    });
}

TEST(runner, handler_may_cancel_its_own_job) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { throw gm::jobs::cancelled("nobody needs it"); });
        shop.run();
        EXPECT_EQ(shop.end_of(shop.put("k")).state, state::cancelled);
    });
}

TEST(runner, wrong_arguments_are_dead_with_the_path_of_the_field) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<sum_args>("sum", [](const sum_args&) { ADD_FAILURE(); });
        shop.run();
        const auto error_of = [&](body arguments) {
            const record end = shop.end_of(shop.put("sum", arguments));
            EXPECT_EQ(end.state, state::dead);
            return end.errors.at(0).error;
        };
        EXPECT_EQ(error_of({R"({"a":1,"b":"2"})", {}}), "arguments: $.b: expected an integer, got a string");
        EXPECT_EQ(error_of({R"({"a":1})", {}}), "arguments: $.b: missing");
        EXPECT_EQ(error_of({"{", {}}).substr(0, 21), "arguments: $: no JSON");
        EXPECT_EQ(error_of({"GIF", "image/gif"}), "arguments: $: expected JSON, got image/gif");
    });
}

TEST(runner, unknown_members_are_ignored_at_run_unless_the_kind_refuses_them) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<sum_args>("lenient", [](const sum_args&) {});
        shop.kinds.add<sum_args>("strict", [](const sum_args&) {}, {.others = unknown_fields::refuse});
        shop.run();
        const body newer{R"({"a":1,"b":2,"c":3})", {}};
        EXPECT_EQ(shop.end_of(shop.put("lenient", newer)).state, state::completed);
        EXPECT_EQ(shop.end_of(shop.put("strict", newer)).state, state::dead);
    });
}

TEST(runner, result_that_is_too_large_is_a_dead_job_that_says_so) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) { return std::string(100'000, 'x'); });
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.errors.at(0).error, "its result has 100002 bytes, of 65536 allowed");
    });
}

TEST(runner, words_that_no_store_could_keep_are_made_good) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) {
            throw give_up(
                "a\xff"
                "b" +
                std::string(10'000, 'x'));
        });
        shop.kinds.add("nul", [](const body&) { throw std::string("a\0b", 3); });
        shop.run();
        const std::string error = shop.end_of(shop.put("k")).errors.at(0).error;
        EXPECT_EQ(error.substr(0, 4), "a?bx");
        EXPECT_EQ(error.size(), size_limits().error);
        const insert_options once{.retry = retry_policy{.attempts = 1}};
        EXPECT_EQ(shop.end_of(shop.put("nul", body{}, once)).errors.at(0).error, "a?b");
    });
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<sum_result> slow_sum(const sum_args& args, attempt& self) {
    static_cast<void>(co_await gm::async_sleep(1min, self.context()));
    co_return sum_result{args.a + args.b};
}

TEST(runner, coroutine_handlers_wait_many_at_a_time_on_a_bound_of_their_own) {
    on_virtual_time([] {
        workshop shop({.workers = 1, .coroutines = 50});
        shop.kinds.add<sum_args>("sum", slow_sum);
        shop.run();
        const gm::time_point start = gm::now();
        auto put = shop.client.insert_all("sum", std::vector<sum_args>(100, {20, 22}));
        ASSERT_TRUE(put);
        for (const inserted& each : *put) EXPECT_EQ(result_of<sum_result>(shop.end_of(each.id)).value().sum, 42);
        EXPECT_GE(gm::now() - start, 2min);
        EXPECT_LE(gm::now() - start, 2min + 3s);
    });
}

TEST(runner, functions_and_coroutines_run_side_by_side) {
    on_virtual_time([] {
        workshop shop({.workers = 2, .coroutines = 20});
        shop.kinds.add<sum_args>("coroutine", slow_sum);
        shop.kinds.add<int>("function", [](int) { gm::sleep(100ms); });
        shop.run();
        std::vector<job_id> ids;
        for (int i = 0; i != 40; ++i) {
            ids.push_back(shop.put("function", i));
            ids.push_back(shop.put("coroutine", sum_args{i, i}));
        }
        for (const job_id id : ids) EXPECT_EQ(shop.end_of(id).state, state::completed);
    });
}

TEST(runner, coroutine_that_throws_is_judged_as_a_function_is) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) -> gm::task<> {
            co_await gm::async_sleep(1s);
            throw give_up("late");
        });
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.errors.at(0).error, "late");
    });
}

#endif

}  // namespace
