// What the verbs answer without a store, or with another than was meant.

#include "verb_tests.hpp"

namespace {

using namespace program_tests;
using namespace gm::jobs;
using namespace std::chrono_literals;

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
