// The verbs that ask a store and steer it, as a user runs them, on each store that can be asked by several processes. What --json
// prints is held against words that are written here: a change of it is a change for everybody who reads it.
#include <regex>

#include <gristmill/jobs/client.hpp>
#include <gristmill/stores/open.hpp>

#include "store_places.hpp"
#include "terminal.hpp"

namespace {

using namespace program_tests;
using namespace gm::jobs;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

// Times differ from run to run; job numbers from store to store.
std::string without_times(const std::string& text) {
    static const std::regex time("\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z\"");
    return std::regex_replace(text, time, "TIME");
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

class verb_tests : public testing::Test {
protected:
    explicit verb_tests(const char* which) : place_(which) {
        auto opened = gm::stores::open(place_.url);
        if (!opened) throw std::runtime_error(opened.error().what);
        store_ = *std::move(opened);
    }

    strings words(strings of) const {
        of.insert(of.begin(), GRISTMILL_PROGRAM);
        of.insert(of.begin() + 2, {"--store", place_.url});
        return of;
    }
    answer ask(strings of, std::string_view input = {}) const { return running(words(std::move(of))).wait(input); }

    job_id put(new_job job) {
        auto done = client(*store_).insert(std::move(job));
        if (!done) throw std::runtime_error(done.error().what);
        return done->id;
    }
    job_id put_mail(const std::string& to) {
        return put({.kind = "mail", .arguments = {"{\"to\":\"" + to + "\"}", {}}, .queue = "letters"});
    }
    std::string number(job_id id) const { return std::to_string(id.number); }

    source& crew(const std::string& name = "crew", strings queues = {"letters"}) {
        if (!crew_) {
            auto made = store_->subscribe({.queues = std::move(queues), .worker = name});
            if (!made) throw std::runtime_error(made.error().what);
            crew_ = *std::move(made);
            if (!crew_->beat({})) throw std::runtime_error("no beat");
        }
        return *crew_;
    }
    // The token of a job that is claimed now; it has to be the next one.
    token claim(job_id id) {
        auto got = crew().exchange({}, {.idle = 1});
        if (!got || got->jobs.size() != 1 || got->jobs[0].id != id) throw std::runtime_error("not claimed");
        return got->jobs[0].which;
    }
    void settle(settlement how) {
        const auto done = crew().exchange(std::span(&how, 1), {});
        if (!done || done->outcomes[0] != settled::yes) throw std::runtime_error("not settled");
    }
    job_id put_dead(const std::string& to, const std::string& error) {
        const job_id id = put_mail(to);
        settle({.which = claim(id), .what = verdict::dead, .error = error});
        return id;
    }
    state state_of(job_id id) { return store_->ledger()->find(id).value().value().state; }

    const store_place place_;
    std::unique_ptr<store> store_;
    std::unique_ptr<source> crew_;
};

class verbs : public verb_tests, public testing::WithParamInterface<const char*> {
protected:
    verbs() : verb_tests(GetParam()) {}
};

// What a store has no part in.
class verbs_on_a_file : public verb_tests {
protected:
    verbs_on_a_file() : verb_tests("sqlite") {}
};

INSTANTIATE_TEST_SUITE_P(sqlite, verbs, testing::Values("sqlite"));
INSTANTIATE_TEST_SUITE_P(postgres, verbs, testing::Values("postgres"));

// ---- ls ----

TEST_P(verbs, ls_lists_the_newest_first_and_pages) {
    strings all;
    for (int i = 0; i != 5; ++i) all.push_back(number(put_mail("ann")));
    const auto ids = [](const answer& of) {
        strings found;
        static const std::regex line("\\{\"id\":([0-9]+),");
        for (std::sregex_iterator at(of.output.begin(), of.output.end(), line), end; at != end; ++at)
            found.push_back((*at)[1]);
        return found;
    };
    EXPECT_EQ(ids(ask({"ls", "--json"})), strings(all.rbegin(), all.rend()));
    EXPECT_EQ(ids(ask({"ls", "--json", "--limit", "2"})), (strings{all[4], all[3]}));
    EXPECT_EQ(ids(ask({"ls", "--json", "--limit", "2", "--beyond", all[3]})), (strings{all[2], all[1]}));
    EXPECT_EQ(ids(ask({"ls", "--json", "--oldest", "--limit", "0"})), all);
    EXPECT_EQ(ask({"ls", "--limit", "2"}).errors,
              "gristmill ls: there are more: the same with --beyond " + all[3] + "\n");
    EXPECT_EQ(ask({"ls", "--limit", "5"}).errors, "");
    EXPECT_EQ(ids(ask({"ls", "--json", all[1], all[0] + "-" + all[2]})), (strings{all[2], all[1], all[0]}));
}

TEST_P(verbs, ls_asks_for_all_that_a_filter_says) {
    const job_id dead = put_dead("bob", "no such user");
    const job_id other = put({.kind = "report", .queue = "letters", .key = "k", .tags = {"t"}});
    const auto count = [&](strings how) {
        how.insert(how.begin(), {"ls", "--count"});
        const answer it = ask(how);
        EXPECT_EQ(it.errors, "");
        return it.output;
    };
    EXPECT_EQ(count({}), "2\n");
    EXPECT_EQ(count({"--state", "dead"}), "1\n");
    EXPECT_EQ(count({"--state", "open"}), "1\n");
    EXPECT_EQ(count({"--queue", "letters", "--kind", "report"}), "1\n");
    EXPECT_EQ(count({"--key", "k", "--tag", "t"}), "1\n");
    EXPECT_EQ(count({"--key", "k", "--tag", "u"}), "0\n");
    EXPECT_EQ(count({"--worker", "crew"}), "1\n");
    EXPECT_EQ(count({"--text", "no such"}), "1\n");
    EXPECT_EQ(count({"--text", "' or 1=1 --"}), "0\n");
    EXPECT_EQ(count({"--older", "1h"}), "0\n");
    EXPECT_EQ(count({"--newer", "1h", "--ended-after", "1h"}), "1\n");
    EXPECT_EQ(count({number(dead), number(other), "--state", "dead", "--json"}), "{\"count\":1}\n");
}

TEST_F(verbs_on_a_file, ls_fits_the_terminal_and_sends_it_nothing_raw) {
    put_dead("bob", "wrong\x1b]0;title\a and\nmore " + std::string(300, 'x'));
    const answer it = at_terminal(words({"ls"}), "", 80);
    EXPECT_EQ(it.status, 0);
    EXPECT_NE(it.output.find("\x1b[31mdead\x1b[0m"), std::string::npos) << it.output;
    const std::string plain = std::regex_replace(it.output, std::regex("\x1b\\[[0-9]+m"), "");
    EXPECT_EQ(plain.find('\x1b'), std::string::npos);
    EXPECT_EQ(plain.find('\a'), std::string::npos);
    EXPECT_NE(plain.find("wrong\\x1b]0;t"), std::string::npos) << plain;
    for (std::size_t begin = 0, end; (end = plain.find("\r\n", begin)) != std::string::npos; begin = end + 2)
        EXPECT_LE(end - begin, 82u) << plain.substr(begin, end - begin);  // … is three bytes
    EXPECT_EQ(at_terminal(words({"ls"}), "", 80, {"TERM=xterm", "NO_COLOR=1"}).output.find('\x1b'), std::string::npos);
    EXPECT_EQ(at_terminal(words({"ls"}), "", 80, {"TERM=dumb"}).output.find('\x1b'), std::string::npos);
}

// The number of a stream that is closed is not given to a store's file or connection.
TEST_P(verbs, a_closed_standard_output_does_no_harm) {
    put_mail("ann");
    strings quiet = words({"ls", "--json"});
    quiet.insert(quiet.begin(), {"sh", "-c", "exec \"$@\" >&- 2>&-", "sh"});
    EXPECT_EQ(running(quiet).wait().status, 0);
    EXPECT_EQ(ask({"ls", "--count"}).output, "1\n");
}

// ---- show, logs ----

TEST_P(verbs, show_tells_everything_in_json) {
    const job_id parent = put_mail("ann");
    const job_id child = put({.kind = "report", .queue = "later", .after = {parent}});
    const token run = claim(parent);
    const job_note note{.which = run, .progress = 0.5, .note = "half", .log = {}};
    ASSERT_TRUE(store_->ledger()->note(std::span(&note, 1)));
    ASSERT_TRUE(store_->ledger()->put_step(run, {"first", {"true", {}}}));
    settle({.which = run, .what = verdict::retry, .error = "try again", .at = store_->now() + 1h});
    const auto shown = [&](job_id id) {
        const answer it = ask({"show", "--json", number(id)});
        EXPECT_EQ(it.errors, "");
        std::string text = replaced(without_times(it.output), "{\"id\":" + number(child), "{\"id\":CHILD");
        text = replaced(text, "{\"id\":" + number(parent), "{\"id\":PARENT");
        text = std::regex_replace(text, std::regex("again at [^\"]*"), "again at WHEN");
        return replaced(text, "[" + number(parent) + "]", "[PARENT]");
    };
    EXPECT_EQ(shown(parent),
              R"({"id":PARENT,"kind":"mail","state":"retrying","queue":"letters","arguments":{"to":"ann"},)"
              R"("epoch":1,"attempts":1,"worker":"crew","progress":0.5,"note":"half","inserted":TIME,"run_at":TIME,)"
              R"("started":TIME,"errors":[{"attempt":1,"epoch":1,"started":TIME,"ended":TIME,"worker":"crew",)"
              R"("error":"try again"}],"waits":{"for":"retry","says":"it has failed, and is tried again at WHEN"},)"
              R"("steps":[{"name":"first","result":true}]})"
              "\n");
    EXPECT_EQ(shown(child), R"({"id":CHILD,"kind":"report","state":"waiting","queue":"later","arguments":null,)"
                            R"("after":[PARENT],"orphaned":"hold","blocked_by":[PARENT],"inserted":TIME,"run_at":TIME,)"
                            R"("waits":{"for":"jobs","says":"1 job that it comes after is not over"}})"
                            "\n");
}

// It waited for ever, and nothing said so.
TEST_P(verbs, show_and_doctor_tell_of_a_kind_that_no_worker_knows) {
    put({.kind = "image.resize", .queue = "pictures"});
    const job_id slip = put({.kind = "image.resiz", .queue = "pictures"});
    const auto waits = [&] {
        const std::string text = ask({"show", "--json", number(slip)}).output;
        return text.substr(std::min(text.find("\"waits\""), text.size()));
    };
    EXPECT_EQ(waits(), R"("waits":{"for":"worker","says":"no live worker serves its queue",)"
                       R"("do":"gristmill work --queue pictures --on image.resiz=COMMAND"}})"
                       "\n");
    const answer drained = ask({"drain", "--queue", "pictures", "--on", "image.resize=true"});
    EXPECT_EQ(drained.status, 0) << drained.errors;
    const std::string now = waits();
    for (const char* part :
         {R"("for":"kind")", "no worker of its queue seems to have a handler for the kind 'image.resiz'",
          "image.resiz': did you mean 'image.resize'?"})
        EXPECT_NE(now.find(part), std::string::npos) << part << "\n" << now;
    const answer found = ask({"doctor"});
    for (const char* part :
         {"queue pictures  0 jobs ready, 1 for later; no worker serves it\n",
          "kind image.resiz  1 job was put off: no worker seems to have a handler for it: did you mean "
          "'image.resize'?\n"})
        EXPECT_NE(found.output.find(part), std::string::npos) << part << "\n" << found.output;
}

TEST_F(verbs_on_a_file, show_tells_people_what_went_wrong) {
    const job_id id = put_dead("bob", "line one\nline \x1b[2Jtwo");
    const answer it = ask({"show", number(id)});
    for (const char* part : {": dead\n", "  kind          mail\n", "  arguments     {\"to\":\"bob\"}\n",
                             "  attempt 1, ", "      line one\n      line \\x1b[2Jtwo\n"})
        EXPECT_NE(it.output.find(part), std::string::npos) << part << "\n" << it.output;
    const answer missing = ask({"show", "999999"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_EQ(missing.errors, "gristmill show: there is no job 999999; finished ones are kept for a time only\n");
}

TEST_P(verbs, logs_follow_a_job_until_it_is_over) {
    const job_id id = put_mail("ann");
    const token first = claim(id);
    const auto write = [&](token which, const std::string& text) {
        const job_note note{.which = which, .progress = {}, .note = {}, .log = text};
        ASSERT_EQ(store_->ledger()->note(std::span(&note, 1)).value().at(0), settled::yes);
    };
    write(first, "one\n");
    running follower(words({"logs", "-f", number(id)}));
    follower.read_until_output("one\n");
    write(first, "two\n");
    follower.read_until_output("two\n");
    settle({.which = first, .what = verdict::retry, .error = "again"});
    const token second = claim(id);
    write(second, "three\xff\n");
    follower.read_until_output("three");
    settle({.which = second, .what = verdict::completed});
    const answer it = follower.wait();
    EXPECT_EQ(it.output, "one\ntwo\nthree\xff\n");
    EXPECT_EQ(it.errors, "gristmill logs: the next attempt\n");
    EXPECT_EQ(it.status, 0);
    EXPECT_EQ(ask({"logs", "--last", number(id)}).output, "three\xff\n");
    EXPECT_EQ(ask({"logs", number(id), "--json"}).output,
              "{\"epoch\":1,\"log\":{\"type\":\"text/plain\",\"text\":\"one\\ntwo\\n\"}}\n"
              "{\"epoch\":2,\"log\":{\"type\":\"text/plain\",\"base64\":\"dGhyZWX/Cg==\"}}\n");
    EXPECT_NE(at_terminal(words({"logs", number(id)}), "", 80).output.find("three\\xff\r\n"), std::string::npos);
    EXPECT_EQ(ask({"logs", "999999"}).status, 1);
}

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

// ---- cron ----

TEST_P(verbs, cron_entries_are_put_listed_paused_and_removed) {
    const answer put = ask({"cron", "put", "nightly", "30 2 * * *", "--zone", "Europe/Berlin", "--tag", "a", "--missed",
                            "all", "--json", "--wd", "/srv", "--", "pg_dump", "-f", "it's"});
    EXPECT_EQ(put.errors, "");
    const std::string entry = R"({"name":"nightly","line":"30 2 * * *","zone":"Europe/Berlin","missed":"all",)";
    const std::string rest =
        R"("kind":"exec","queue":"default","arguments":{"command":["pg_dump","-f","it's"],"directory":"/srv"},"tags":["a"])";
    EXPECT_EQ(without_times(put.output), entry + R"("paused":false,)" + rest + ",\"next\":TIME}\n");
    EXPECT_EQ(ask({"cron", "pause", "nightly", "--json"}).output, entry + R"("paused":true,)" + rest + "}\n");
    EXPECT_EQ(without_times(ask({"cron", "resume", "nightly", "--json"}).output), without_times(put.output));
    EXPECT_EQ(without_times(ask({"cron", "--json"}).output), without_times(put.output));
    EXPECT_EQ(without_times(ask({"cron", "next", "nightly", "-n", "2", "--json"}).output),
              "{\"name\":\"nightly\",\"time\":TIME}\n{\"name\":\"nightly\",\"time\":TIME}\n");
    EXPECT_EQ(ask({"cron", "rm", "nigthly"}).errors,
              "gristmill cron: there is no entry 'nigthly': did you mean 'nightly'?\n");
    EXPECT_EQ(ask({"cron", "rm", "nightly"}).status, 0);
    EXPECT_TRUE(store_->ledger()->crons().value().empty());
}

// It once had half of the flags that push has.
TEST_P(verbs, cron_entries_say_of_their_jobs_what_push_says) {
    const strings flags{"--queue",   "q",    "--priority",   "-3", "--key",     "tenant",
                        "--unique",  "u/{}", "--unique-for", "1m", "-t",        "a",
                        "--timeout", "90",   "--retries",    "3",  "--backoff", "10s"};
    strings put{"cron", "put", "sums", "@daily", "--json", "--kind", "sums", "--args", "{\"x\": 1}"},
        push{"push", "--kind", "sums", "--args", "{\"x\": 1}"};
    for (strings* const each : {&put, &push}) each->insert(each->end(), flags.begin(), flags.end());
    const std::string said =
        R"("kind":"sums","queue":"q","arguments":{"x":1},"key":"tenant","priority":-3,"tags":["a"],)"
        R"("timeout":90,"retry":{"attempts":3,"first":10,"factor":2,"longest":3600,"jitter":0.2},)"
        R"("unique":{"key":"u/{\"x\": 1}","until":"window","window":60})";
    EXPECT_NE(ask(put).output.find(said), std::string::npos) << ask(put).output;
    ASSERT_EQ(ask(push).status, 0);
    std::string record = ask({"ls", "--json", "--kind", "sums"}).output;
    const std::size_t state = record.find(R"("state":)");
    record.erase(state, record.find(',', state) + 1 - state);
    EXPECT_NE(record.find(said), std::string::npos) << record;
}

TEST_F(verbs_on_a_file, wrong_cron_entries_are_refused) {
    const auto wrong = [&](strings how) {
        how.insert(how.begin(), "cron");
        const answer it = ask(how);
        EXPECT_EQ(it.status, 255) << it.errors;
        return it.errors;
    };
    EXPECT_NE(wrong({"put", "a", "61 * * * *", "--kind", "k"}).find("minute"), std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--zone", "Europe/Berlni", "--kind", "k"}).find("Europe/Berlin"),
              std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily"}).find("what is to be done?"), std::string::npos);
    EXPECT_NE(wrong({"put", "a"}).find("write gristmill cron put NAME"), std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--kind", "k", "--", "true"}).find("no command"), std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--kind", "k", "--args", "{"}).find("arguments: line 1"), std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--kind", "exec", "--args", "{}"}).find("says what to run"),
              std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--kind", "k", "--wd", "/srv"}).find("--wd"), std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--priority", "101", "--", "true"}).find("from -100 to 100"),
              std::string::npos);
    EXPECT_NE(wrong({"put", "a", "@daily", "--", "\xff"}).find("UTF-8"), std::string::npos);
    EXPECT_NE(wrong({"pu", "a"}).find("did you mean put?"), std::string::npos);
    EXPECT_NE(wrong({"rm"}).find("which entry?"), std::string::npos);
}

// ---- doctor ----

TEST_F(verbs_on_a_file, doctor_says_what_is_low_and_what_to_do) {
    put_mail("ann");
    const answer it = ask({"doctor"});
    EXPECT_NE(it.output.find("queue letters  1 job ready, the oldest for 0s; no worker serves it\n"
                             "      do: gristmill work --queue letters, with --allow-exec or --on KIND=COMMAND\n"),
              std::string::npos)
        << it.output;
    EXPECT_EQ(it.status, 1) << it.output;
    const answer json = ask({"doctor", "--json"});
    EXPECT_NE(
        json.output.find("{\"what\":\"queue letters\",\"health\":\"low\",\"says\":\"1 job ready, the oldest for 0s; "
                         "no worker serves it\",\"do\":\"gristmill work --queue letters, with --allow-exec or --on "
                         "KIND=COMMAND\"}\n"),
        std::string::npos)
        << json.output;
}

// ---- what needs no store, or another ----

answer gristmill(strings words) {
    words.insert(words.begin(), GRISTMILL_PROGRAM);
    return running(std::move(words)).wait();
}

TEST(verbs_without_a_store, say_so_and_make_none) {
    const scratch folder;
    const std::string file = folder / "none.db";
    for (const char* verb : {"ls", "queues", "workers", "cron"}) {
        const answer it = gristmill({verb, "--store", "sqlite:" + file});
        EXPECT_EQ(it.status, 255) << verb;
        EXPECT_NE(it.errors.find("there is no such file"), std::string::npos) << it.errors;
    }
    const answer it = gristmill({"doctor", "--store", "sqlite:" + file});
    EXPECT_EQ(it.status, 2);
    EXPECT_NE(it.output.find("do: gristmill push makes one\n"), std::string::npos) << it.output;
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(verbs_without_a_store, tell_no_password) {
    const std::string url = "postgres://me:hunter2@127.0.0.1:1/x?connect_timeout=1";
    const answer it = gristmill({"doctor", "--store", url}), ls = gristmill({"ls", "--store", url});
    EXPECT_EQ(it.status, 2) << it.output;
    EXPECT_EQ(ls.status, 255);
    EXPECT_EQ((it.output + it.errors + ls.output + ls.errors).find("hunter2"), std::string::npos);
}

TEST(verbs_without_a_store, refuse_wrong_words_before_they_open_one) {
    const auto error = [](strings words) {
        const answer it = gristmill(std::move(words));
        EXPECT_EQ(it.status, 255);
        return it.errors.substr(0, it.errors.find('\n'));
    };
    EXPECT_EQ(error({"ls", "--stat", "dead"}), "gristmill ls: there is no flag --stat; did you mean --state?");
    EXPECT_EQ(error({"ls", "--limit", "x"}), "gristmill ls: --limit: 'x' is no whole number");
    EXPECT_EQ(error({"ls", "x"}), "gristmill ls: 'x' is no number of a job; write 17 or 20-29");
    EXPECT_EQ(error({"show"}), "gristmill show: which job? Give its number; `gristmill ls` lists them");
    EXPECT_EQ(error({"logs", "1", "2"}), "gristmill logs: of which job? Give one number; `gristmill ls` lists them");
    EXPECT_EQ(error({"rm"}),
              "gristmill rm: which jobs? Give their numbers, or say which by --state, --queue and the like, or --all");
    EXPECT_EQ(error({"priority", "--to", "101", "1"}), "gristmill priority: --to: '101' is no number from -100 to 100");
    EXPECT_EQ(error({"pause"}), "gristmill pause: which queue? `gristmill queues` lists them");
    EXPECT_EQ(error({"shwo", "1"}), "gristmill: there is no verb 'shwo'; did you mean 'show'?");
}

}  // namespace
