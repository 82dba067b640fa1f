// retry, cancel, rm, priority; pause, resume, limit, scale: what changes jobs, queues and workers, on each store that several processes
// can ask.

#include "terminal.hpp"
#include "verb_tests.hpp"

namespace {

using namespace program_tests;
using namespace gm::jobs;
using namespace std::chrono_literals;

// ---- changes ----

TEST_P(verbs, changes_by_number_need_no_question) {
    const job_id one = put_mail("ann"), two = put_mail("bob");
    const answer it = ask({"cancel", number(one)});
    EXPECT_EQ(it.output, "cancelled: 1 job\n");
    EXPECT_EQ(it.status, 0);
    EXPECT_EQ(state_of(one), state::cancelled);
    EXPECT_EQ(state_of(two), state::available);
    const answer again = ask({"cancel", number(one), number(two), "999999", "--json"});
    EXPECT_EQ(again.output, "{\"changed\":1}\n");
    EXPECT_EQ(again.errors, "gristmill cancel: job " + number(one) +
                                " is cancelled, and is left as it is\ngristmill cancel: there is no job 999999\n");
    EXPECT_EQ(again.status, 1);
    EXPECT_EQ(ask({"retry", number(one)}).output, "tried again: 1 job\n");
    EXPECT_EQ(state_of(one), state::available);
    EXPECT_EQ(ask({"priority", "--to", "-7", number(one)}).output, "changed: 1 job\n");
    EXPECT_EQ(store_->ledger()->find(one).value()->priority, -7);
    EXPECT_EQ(ask({"rm", number(one)}).output, "removed: 1 job\n");
    EXPECT_FALSE(store_->ledger()->find(one).value());
}

TEST_F(verbs_on_a_file, many_are_changed_only_after_a_yes) {
    for (int i = 0; i != 3; ++i) put_mail("ann");
    const strings cancel{"cancel", "--queue", "letters"};
    const auto left = [&] { return store_->ledger()->count({.states = {state::available}}).value(); };
    const answer refused = ask(cancel, "y\n");
    EXPECT_EQ(refused.status, 255);
    EXPECT_EQ(refused.errors,
              "gristmill cancel: 3 jobs would be cancelled; nothing was done, for there is nobody to "
              "ask: say --yes\n");
    EXPECT_EQ(ask({"cancel", "--queue", "letters", "--dry-run"}).output, "3 jobs would be cancelled\n");
    const answer no = at_terminal(words(cancel), "n\n", 120);
    EXPECT_EQ(no.status, 1);
    EXPECT_NE(no.output.find("cancel 3 jobs (--queue letters)? Type y for yes."), std::string::npos) << no.output;
    EXPECT_EQ(left(), 3u);
    EXPECT_NE(at_terminal(words(cancel), "y\n", 120).output.find("cancelled: 3 jobs"), std::string::npos);
    EXPECT_EQ(left(), 0u);
    EXPECT_EQ(ask({"rm", "--all", "--yes", "--json"}).output, "{\"changed\":3}\n");
}

TEST_F(verbs_on_a_file, a_change_counts_only_what_it_changes) {
    put_dead("bob", "no");
    put_mail("ann");
    const job_id later = put({.kind = "mail", .queue = "letters", .run_at = store_->now() + 24h});
    EXPECT_EQ(ask({"retry", "--all", "--dry-run"}).output, "1 job would be tried again\n");
    EXPECT_EQ(ask({"retry", "--state", "scheduled", "--dry-run"}).output, "1 job would be tried again\n");
    EXPECT_EQ(ask({"retry", number(later)}).output, "tried again: 1 job\n");
    EXPECT_EQ(state_of(later), state::available);
    EXPECT_EQ(ask({"rm", "--state", "running", "--yes"}).errors,
              "gristmill rm: jobs in that state are left as they are\n");
    EXPECT_EQ(ask({"cancel", "--state", "over", "--yes"}).status, 255);
}

TEST_P(verbs, a_dead_job_whose_key_is_taken_stays_dead) {
    new_job job{.kind = "mail", .arguments = {}, .queue = "letters"};
    job.unique = unique_key{"only one"};
    const job_id dead = put(job);
    settle({.which = claim(dead), .what = verdict::dead, .error = "no"});
    const job_id heir = put(job);
    ASSERT_NE(heir, dead);
    const answer it = ask({"retry", number(dead)});
    EXPECT_EQ(it.status, 1);
    EXPECT_NE(it.errors.find("unique key"), std::string::npos) << it.errors;
    EXPECT_EQ(state_of(dead), state::dead);
}

TEST_P(verbs, a_running_job_is_asked_to_stop) {
    const job_id id = put_mail("ann");
    const token which = claim(id);
    EXPECT_EQ(ask({"cancel", number(id)}).output, "cancelled: 1 job\n");
    EXPECT_EQ(crew().beat({}).value().cancelled, std::vector{which});
    EXPECT_EQ(ask({"rm", number(id)}).status, 1);
}

// ---- queues, workers ----

TEST_P(verbs, queues_are_listed_paused_and_limited) {
    put_mail("ann");
    EXPECT_EQ(ask({"pause", "leters"}).errors,
              "gristmill pause: there is no queue 'leters': did you mean 'letters'?; --create makes one\n");
    EXPECT_EQ(ask({"pause", "letters"}).status, 0);
    EXPECT_EQ(ask({"pause", "letters"}).errors, "gristmill pause: letters is paused already\n");
    EXPECT_EQ(ask({"limit", "letters", "--running", "5", "--rate", "600/m", "--weight", "a=b=2"}).output,
              "letters: 5 at a time, 10/s\n");
    EXPECT_EQ(without_times(ask({"queues", "letters", "--json"}).output),
              R"({"name":"letters","paused":true,"counts":{"waiting":0,"scheduled":0,"available":1,"running":0,)"
              R"("retrying":0,"completed":0,"cancelled":0,"dead":0},"completed":0,"failed":0,)"
              R"("limits":{"running":5,"rate":10,"weights":{"a=b":2}},"oldest_available":TIME})"
              "\n");
    EXPECT_EQ(ask({"resume", "letters", "--json"}).output,
              "{\"name\":\"letters\",\"paused\":false,\"changed\":true}\n");
    EXPECT_EQ(ask({"limit", "letters", "--none"}).output, "letters: no limits\n");
    const answer table = ask({"queues"});
    EXPECT_NE(table.output.find("letters      1        -"), std::string::npos) << table.output;
    EXPECT_EQ(ask({"limit", "letters", "--rate", "5/y"}).status, 255);
    EXPECT_EQ(ask({"queues", "none"}).status, 1);
}

TEST_P(verbs, workers_are_listed_and_scaled) {
    EXPECT_EQ(ask({"scale", "all", "3"}).status, 1);
    source& worker = crew("host:1");
    ASSERT_TRUE(worker.beat({.workers = 2, .busy = 1, .completed = 7, .failed = 1}));
    const std::string number = std::to_string(store_->ledger()->workers().value().at(0).number);
    EXPECT_EQ(without_times(ask({"workers", "--json"}).output),
              "{\"number\":" + number +
                  R"(,"name":"host:1","alive":true,"queues":["letters"],"started":TIME,)"
                  R"("last_beat":TIME,"workers":2,"busy":1,"completed":7,"failed":1})"
                  "\n");
    EXPECT_EQ(ask({"scale", "host:1", "3"}).output, "1 worker is asked for a crew of 3\n");
    EXPECT_EQ(worker.beat({.workers = 2}).value().workers_wanted, 3u);
    EXPECT_EQ(ask({"scale", number, "4", "--json"}).output, "{\"asked\":1,\"workers\":4}\n");
    EXPECT_EQ(ask({"scale", "all", "5"}).output, "1 worker is asked for a crew of 5\n");
    EXPECT_EQ(worker.beat({.workers = 2}).value().workers_wanted, 5u);
    EXPECT_NE(ask({"scale", "hots:1", "5"}).errors.find("did you mean 'host:1'?"), std::string::npos);
    EXPECT_EQ(ask({"scale", "all", "0"}).status, 255);
    EXPECT_EQ(ask({"scale", "all"}).status, 255);
}

}  // namespace
