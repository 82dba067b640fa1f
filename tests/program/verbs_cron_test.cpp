// gristmill cron.

#include "verb_tests.hpp"

namespace {

using namespace program_tests;
using namespace gm::jobs;
using namespace std::chrono_literals;

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
    EXPECT_NE(wrong({"put", "a", "@daily", "--", "echo", ":::", "b"}).find("an entry is one job"), std::string::npos);
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

}  // namespace
