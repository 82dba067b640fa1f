// gristmill run, stopped and gone on with.
#include "program_helpers.hpp"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

namespace {

using namespace program_tests;
using strings = std::vector<std::string>;

// Each test has journals of its own, and a log where the commands say that they ran.
class journal : public testing::Test {
protected:
    journal() { ::setenv("GRISTMILL_STATE", (folder / "state").c_str(), 1); }
    ~journal() override { ::setenv("GRISTMILL_STATE", state_of_this_test.folder.path.c_str(), 1); }

    std::string logging(const std::string& more = "") const { return "echo {} >> " + log + more; }
    strings ran() const {
        strings all;
        std::ifstream file(log);
        for (std::string line; std::getline(file, line);) all.push_back(line);
        return all;
    }
    std::string the_journal() const {
        for (const auto& file : std::filesystem::directory_iterator(folder / "state/runs"))
            if (file.path().extension() == ".run" || file.path().extension() == ".done") return file.path();
        return {};
    }

    const scratch folder;
    const std::string log = folder / "log";
};

bool says(const answer& it, const std::string& text) { return it.errors.find(text) != std::string::npos; }

TEST_F(journal, what_has_ended_does_not_run_again_and_what_is_new_does) {
    const std::string command = logging("; test {} != b");
    EXPECT_EQ(gristmill_run({"-j1", command, ":::", "a", "b", "c"}).status, 1);
    const answer again = gristmill_run({"--resume", "-j1", command, ":::", "new", "a", "a", "c", "b"});
    EXPECT_EQ(again.status, 0);
    EXPECT_TRUE(says(again, "3 of 3 lines are done, 1 of them failed")) << again.errors;
    EXPECT_EQ(ran(), (strings{"a", "b", "c", "new", "a"}));
    EXPECT_EQ(gristmill_run({"--resume"}).status, 0);  // the words of the first time
    EXPECT_EQ(ran().size(), 5u);
}

TEST_F(journal, failures_run_again_when_they_are_asked_for) {
    const std::string good = folder / "good", command = logging("; test {} = a || test -e " + good);
    const answer first = gristmill_run({"-j1", command, ":::", "a", "b", "c"});
    EXPECT_EQ(first.status, 2);
    const std::string line = "gristmill run --retry-failed --run ";
    const std::size_t at = first.errors.find(line);
    ASSERT_NE(at, std::string::npos) << first.errors;
    const std::string name = first.errors.substr(at + line.size(), 29);
    EXPECT_EQ(gristmill_run({"-j1", "--retry-failed", "--run", name}).status, 2);
    EXPECT_EQ(gristmill_run({"-j1", "--resume-failed", command, ":::", "b", "d"}).status, 2);
    std::ofstream(good) << "";
    EXPECT_EQ(gristmill_run({"-j1", "--retry-failed"}).status, 0);
    EXPECT_EQ(gristmill_run({"-j1", "--retry-failed"}).status, 0);
    EXPECT_EQ(ran(), (strings{"a", "b", "c", "b", "c", "b", "d", "b", "c", "d"}));
}

TEST_F(journal, without_its_input_a_run_finishes_the_lines_that_it_knows) {
    running program(
        run_command({"-j1", logging("; echo {}; while [ ! -e " + folder / "go" + " ]; do sleep 0.01; done")}));
    program.feed("1\n2\n3\n");
    while (ran().empty()) std::this_thread::yield();
    program.signal(SIGINT);
    program.read_until([&] { return says(program.said, "starting nothing more"); });
    std::ofstream(folder / "go") << "";
    program.read_until([] { return false; });  // until it has ended: its input stays open
    const answer first = program.wait();
    EXPECT_EQ(first.status, 128 + SIGINT);
    EXPECT_TRUE(says(first, "lines are left; the rest of the input was not read")) << first.errors;
    const answer again = running({"/bin/sh", "-c", "exec \"$0\" run --resume </dev/null", GRISTMILL_PROGRAM}).wait();
    EXPECT_EQ(again.status, 0);
    EXPECT_TRUE(says(again, "the known lines are done; the rest of the input was not read")) << again.errors;
    EXPECT_EQ(ran(), (strings{"1", "2", "3"}));
    EXPECT_EQ(gristmill_run({"--resume"}, "1\n2\n3\n4\n5\n").status, 0);
    EXPECT_EQ(ran(), (strings{"1", "2", "3", "4", "5"}));
    EXPECT_EQ(gristmill_run({"--resume"}).errors.find("not read"), std::string::npos);
}

TEST_F(journal, numbers_of_jobs_stay_with_their_lines) {
    const std::string command = "echo {#}:{} >> " + log + "; test {} != b -o -e " + folder / "good";
    EXPECT_EQ(gristmill_run({"-j1", command, ":::", "a", "b", "c"}).status, 1);
    std::ofstream(folder / "good") << "";
    EXPECT_EQ(gristmill_run({"-j1", "--resume-failed", command, ":::", "x", "c", "b"}).status, 0);
    EXPECT_EQ(ran(), (strings{"1:a", "2:b", "3:c", "4:x", "2:b"}));
}

TEST_F(journal, lines_of_a_batch_are_known_one_by_one) {
    EXPECT_EQ(gristmill_run({"-j1", "-n2", logging(), ":::", "a", "b", "c"}).status, 0);
    EXPECT_EQ(gristmill_run({"--resume", "-j1", "-n3", logging(), ":::", "d", "c", "e", "a", "f"}).status, 0);
    EXPECT_EQ(ran(), (strings{"a b", "c", "d e f"}));
}

TEST_F(journal, columns_keep_their_names_without_the_input) {
    const strings words{"-j1",      "--colsep", ",",
                        "--header", ":",        "echo {b}-{a} >> " + log + "; test -e " + folder / "good"};
    EXPECT_EQ(gristmill_run(words, "a,b\n1,2\n").status, 1);
    std::ofstream(folder / "good") << "";
    EXPECT_EQ(gristmill_run({"--retry-failed"}).status, 0);
    EXPECT_EQ(ran(), (strings{"2-1", "2-1"}));
}

TEST_F(journal, a_log_of_jobs_goes_on_too) {
    const std::string jobs = folder / "jobs";
    EXPECT_EQ(gristmill_run({"--joblog", jobs, "-j1", logging(), ":::", "a", "b"}).status, 0);
    EXPECT_EQ(gristmill_run({"--resume", "--joblog", jobs, logging(), ":::", "a", "b", "c"}).status, 0);
    const std::string text = text_of(jobs);
    EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 3);
    EXPECT_NE(text.find("\n3\t"), std::string::npos) << text;
}

TEST_F(journal, what_is_left_is_told_unless_that_was_asked_for) {
    EXPECT_TRUE(
        says(gristmill_run({"-j1", "--halt", "now,fail=1", "false", ":::", "a", "b"}), "1 line is left. To go on"));
    EXPECT_EQ(gristmill_run({"-j1", "--halt", "now,success=1", "true", ":::", "a", "b"}).errors, "");
}

TEST_F(journal, a_second_process_on_it_is_refused) {
    running program(run_command({"-j1", logging("; cat " + folder / "gate")}));
    ASSERT_EQ(::mkfifo((folder / "gate").c_str(), 0600), 0);
    program.feed("a\n");
    while (ran().empty() || std::filesystem::file_size(the_journal()) == 0) std::this_thread::yield();
    const answer second = gristmill_run({"--resume"});
    EXPECT_EQ(second.status, 255);
    EXPECT_TRUE(says(second, "is going on, in another process")) << second.errors;
    EXPECT_NE(gristmill_run({"--list"}).output.find("going on"), std::string::npos);
    std::ofstream(folder / "gate") << "open";
    EXPECT_EQ(program.wait().status, 0);
    EXPECT_EQ(gristmill_run({"--resume"}).status, 0);
}

TEST_F(journal, nobody_else_can_read_it_and_what_others_can_write_is_not_used) {
    EXPECT_EQ(gristmill_run({"true", ":::", "a"}).status, 0);
    struct stat about{};
    ASSERT_EQ(::stat(the_journal().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600u);
    std::filesystem::permissions(folder / "state/runs", std::filesystem::perms(0777));
    const answer open_house = gristmill_run({"echo", ":::", "a"});
    EXPECT_EQ(open_house.output, "a\n");
    EXPECT_TRUE(says(open_house, "others can write there")) << open_house.errors;
    EXPECT_EQ(gristmill_run({"--resume"}).status, 255);
}

TEST_F(journal, without_a_place_the_run_goes_on_and_says_so) {
    std::ofstream(folder / "state") << "a file where the folder should be";
    const answer it = gristmill_run({"echo", ":::", "a"});
    EXPECT_EQ(it.output, "a\n");
    EXPECT_EQ(it.status, 0);
    EXPECT_TRUE(says(it, "no journal is kept")) << it.errors;
    EXPECT_EQ(gristmill_run({"--no-journal", "echo", ":::", "a"}).errors, "");
}

TEST_F(journal, a_damaged_one_is_told_and_nothing_runs) {
    EXPECT_EQ(gristmill_run({logging(), ":::", "a"}).status, 0);
    std::ofstream(the_journal(), std::ios::trunc) << std::string(5000, 'x');
    const answer it = gristmill_run({"--resume", logging(), ":::", "a", "b"});
    EXPECT_EQ(it.status, 255);
    EXPECT_TRUE(says(it, "is no SQLite database")) << it.errors;
    EXPECT_EQ(ran().size(), 1u);
}

TEST_F(journal, a_full_disk_stops_the_run_and_nothing_is_lost) {
    std::filesystem::create_directory(folder / "state");
    if (::mount("none", (folder / "state").c_str(), "tmpfs", 0, "size=256k") != 0)
        GTEST_SKIP() << "only root can make a full disk";
    std::string lines;
    for (int i = 0; i < 600; ++i) lines += std::to_string(i) + std::string(1000, 'x') + '\n';
    const answer full = gristmill_run({"-j2", logging()}, lines);
    EXPECT_EQ(full.status, 255);
    EXPECT_TRUE(says(full, "the journal cannot be written, so nothing more was started")) << full.errors;
    EXPECT_TRUE(says(full, "the disk is full")) << full.errors;
    const std::size_t before = ran().size();
    EXPECT_LT(before, 600u);
    EXPECT_EQ(::mount("none", (folder / "state").c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    EXPECT_EQ(gristmill_run({"--resume", "-j2", logging()}, lines).status, 0);
    strings all = ran();
    std::ranges::sort(all);
    EXPECT_EQ(std::distance(all.begin(), std::ranges::unique(all).begin()), 600);
    ::umount2((folder / "state").c_str(), MNT_DETACH);
}

TEST_F(journal, wrong_use_is_told) {
    EXPECT_EQ(gristmill_run({"--retry-failed"}).status, 255);
    EXPECT_TRUE(says(gristmill_run({"--resume"}), "no earlier run was started in this folder"));
    EXPECT_TRUE(says(gristmill_run({"--resume", "--run", "../x"}), "there is no run ../x"));
    EXPECT_TRUE(says(gristmill_run({"--run", "x", "true", ":::", "a"}), "goes with --resume"));
    EXPECT_TRUE(says(gristmill_run({"--resume", "--no-journal", "true", ":::", "a"}), "without its journal"));
    const answer first = gristmill_run({"--resume", logging(), ":::", "a"});
    EXPECT_EQ(first.status, 0);
    EXPECT_TRUE(says(first, "this is the first")) << first.errors;
    const std::string name = std::filesystem::path(the_journal()).stem();
    EXPECT_TRUE(says(gristmill_run({"--resume", "--run", name, "true", ":::", "a"}), "is of another command"));
}

}  // namespace
