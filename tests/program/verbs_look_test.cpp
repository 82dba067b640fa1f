// ls, show, logs, doctor. What --json prints is held against words that are written here: a change of it is a change for everybody who
// reads it.
#include <regex>

#include "terminal.hpp"
#include "verb_tests.hpp"

namespace {

using namespace program_tests;
using namespace gm::jobs;
using namespace std::chrono_literals;

// Job numbers differ from store to store.
std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

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

// ---- doctor ----

TEST_F(verbs_on_a_file, doctor_says_what_is_low_and_what_to_do) {
    put_mail("ann");
    const answer it = ask({"doctor"});
    const std::regex in_words(
        "queue letters  1 job ready, the oldest for [0-9]+s; no worker serves it\n"
        "      do: gristmill work --queue letters, with --allow-exec or --on KIND=COMMAND\n");
    EXPECT_TRUE(std::regex_search(it.output, in_words)) << it.output;
    EXPECT_EQ(it.status, 1) << it.output;
    const answer json = ask({"doctor", "--json"});
    const std::regex in_json(
        "\\{\"what\":\"queue letters\",\"health\":\"low\",\"says\":\"1 job ready, the oldest for [0-9]+s; no worker "
        "serves it\","
        "\"do\":\"gristmill work --queue letters, with --allow-exec or --on KIND=COMMAND\"\\}\n");
    EXPECT_TRUE(std::regex_search(json.output, in_json)) << json.output;
}

}  // namespace
