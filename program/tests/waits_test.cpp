#include "program/jobs/waits.hpp"

#include <gtest/gtest.h>

#include <gristmill/jobs/client.hpp>
#include <gristmill/stores/open.hpp>

namespace {

using namespace gm::jobs;
using namespace gm::program;
using namespace std::chrono_literals;

class waits : public testing::Test {
protected:
    job_id put(new_job job) { return client(*store_).insert(std::move(job)).value().id; }
    job_id put(const std::string& kind = "mail", const std::string& key = {}) {
        return put({.kind = kind, .queue = "letters", .key = key});
    }
    // A crew of two, of which one is busy.
    source& crew() {
        if (!crew_) {
            crew_ = store_->subscribe({.queues = {"letters"}}).value();
            EXPECT_TRUE(crew_->beat({.workers = 2, .busy = 1}));
        }
        return *crew_;
    }
    token claim() { return crew().exchange({}, {.idle = 1}).value().jobs.at(0).which; }
    void settle(const settlement& how) {
        EXPECT_EQ(crew().exchange(std::span(&how, 1), {}).value().outcomes.at(0), settled::yes);
    }
    void put_off() { settle({.which = claim(), .what = verdict::snoozed, .at = store_->now() + 1h}); }
    void limit(const queue_limits& limits) { EXPECT_TRUE(store_->ledger()->limit("letters", limits).value()); }

    record record_of(job_id id) { return store_->ledger()->find(id).value().value(); }
    wait_reason why(const record& job) { return why_it_waits(*store_, job).value().value_or(wait_reason{}); }
    wait_reason why(job_id id) { return why(record_of(id)); }

    const std::unique_ptr<store> store_ = gm::stores::open("memory:").value();
    std::unique_ptr<source> crew_;
};

TEST_F(waits, job_that_runs_or_is_over_waits_for_nothing) {
    const job_id id = put();
    const token run = claim();
    EXPECT_FALSE(why_it_waits(*store_, record_of(id)).value());
    settle({.which = run});
    EXPECT_FALSE(why_it_waits(*store_, record_of(id)).value());
}

TEST_F(waits, job_after_others_says_how_many_and_which_one_will_never_end_well) {
    const job_id first = put(), second = put(), child = put({.kind = "report", .after = {first, second}});
    EXPECT_EQ(why(child).what, "jobs");
    EXPECT_EQ(why(child).says, "2 jobs that it comes after are not over");
    EXPECT_TRUE(store_->ledger()->cancel({.ids = {second}}));
    EXPECT_EQ(why(child).says, "job " + std::to_string(second.number) + ", which it comes after, is cancelled");
    EXPECT_EQ(why(child).advice, "gristmill retry " + std::to_string(second.number));
}

TEST_F(waits, paused_queue_comes_before_all_other_reasons) {
    const job_id id = put({.kind = "mail", .queue = "letters", .run_at = store_->now() + 1h});
    EXPECT_TRUE(store_->ledger()->pause("letters", true));
    EXPECT_EQ(why(id).what, "paused");
    EXPECT_EQ(why(id).advice, "gristmill resume letters");
}

TEST_F(waits, job_for_later_says_when) {
    const job_id id = put({.kind = "mail", .queue = "letters", .run_at = store_->now() + 2h});
    EXPECT_EQ(why(id).what, "time");
    EXPECT_TRUE(why(id).says.starts_with("it is to run at 20")) << why(id).says;
    EXPECT_NE(why(id).says.find("(in 1h59m"), std::string::npos) << why(id).says;
}

TEST_F(waits, job_that_failed_says_when_it_is_tried_again) {
    const job_id id = put();
    settle({.which = claim(), .what = verdict::retry, .error = "no", .at = store_->now() + 1h});
    EXPECT_EQ(why(id).what, "retry");
}

TEST_F(waits, kind_that_never_ran_is_named_with_a_near_one_that_did) {
    put("image.resize");
    settle({.which = claim()});
    const job_id id = put("image.resiz");
    put_off();
    EXPECT_EQ(why(id).what, "kind");
    EXPECT_TRUE(why(id).says.ends_with(" for the kind 'image.resiz': did you mean 'image.resize'?")) << why(id).says;
    EXPECT_TRUE(why(id).advice.ends_with("gristmill work --on image.resiz=COMMAND")) << why(id).advice;
    const auto unhandled = unhandled_kinds(*store_->ledger()).value();
    ASSERT_EQ(unhandled.size(), 1u);
    EXPECT_EQ(unhandled[0].kind, "image.resiz");
    EXPECT_EQ(unhandled[0].put_off, 1u);
}

TEST_F(waits, kind_that_has_run_may_have_been_put_off_by_its_handler) {
    put("mail");
    settle({.which = claim()});
    const job_id id = put("mail");
    put_off();
    EXPECT_EQ(why(id).what, "time");
    EXPECT_TRUE(unhandled_kinds(*store_->ledger()).value().empty());
}

// The words of a command that somebody may copy are quoted: a kind is anybody's.
TEST_F(waits, advice_is_safe_to_copy) {
    const job_id id = put("a;b $(c)");
    EXPECT_EQ(why(id).what, "worker");
    put_off();
    EXPECT_NE(why(id).advice.find("--on 'a;b $(c)'=COMMAND"), std::string::npos) << why(id).advice;
}

TEST_F(waits, queue_without_a_live_worker) {
    const job_id id = put();
    EXPECT_EQ(why(id).what, "worker");
    EXPECT_EQ(why(id).advice, "gristmill work --queue letters --on mail=COMMAND");
    EXPECT_EQ(why(put("exec")).advice, "gristmill work --queue letters --allow-exec");
    crew();
    EXPECT_EQ(why(id).what, "turn");
}

TEST_F(waits, limit_that_is_reached_says_how_many_run) {
    limit({.running = 1});
    put();
    const job_id id = put();
    static_cast<void>(claim());
    EXPECT_EQ(why(id).what, "running");
    EXPECT_EQ(why(id).says, "the limit of its queue is reached: 1 of 1 run or are at hand");
}

TEST_F(waits, limit_of_a_key_counts_its_own_jobs_and_those_without_a_key_together) {
    limit({.running_per_key = 1});
    put("mail", "ann");
    put("mail");
    const job_id ann = put("mail", "ann"), bob = put("mail", "bob"), none = put("mail");
    EXPECT_EQ(crew().exchange({}, {.idle = 2}).value().jobs.size(), 2u);
    EXPECT_EQ(why(ann).says, "the limit of its key 'ann' is reached: 1 of 1 run or are at hand");
    EXPECT_EQ(why(none).what, "running_per_key");
    EXPECT_EQ(why(bob).what, "turn");
}

TEST_F(waits, job_whose_worker_died_waits_to_be_alone) {
    crew();
    record job = record_of(put());
    job.crashes = 2;
    EXPECT_EQ(why(job).what, "alone");
}

TEST_F(waits, rate_is_named) {
    limit({.rate = 1});
    crew();
    EXPECT_EQ(why(put()).says, "a rate limits how often jobs of its queue start; it is the next one");
}

TEST_F(waits, turn_says_how_many_stand_before_it_and_how_busy_the_crew_is) {
    crew();
    const job_id first = put(), second = put();
    const job_id urgent = put({.kind = "mail", .queue = "letters", .priority = 5});
    EXPECT_EQ(why(urgent).says, "it is the next one; 1 of 2 workers of its queue are busy");
    EXPECT_EQ(why(first).says, "1 job stands before it; 1 of 2 workers of its queue are busy");
    EXPECT_EQ(why(second).says, "2 jobs stand before it; 1 of 2 workers of its queue are busy");
    limit({.fair = true});
    EXPECT_EQ(why(second).says,
              "3 jobs are ready in its queue, and keys take turns; 1 of 2 workers of its queue are busy");
}

}  // namespace
