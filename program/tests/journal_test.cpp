#include "program/journal/journal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include <gristmill/kinds/exec/spawn.hpp>

#include "program/journal/journal_folder.hpp"
#include "program/journal/left_commands.hpp"
#include "stores/sqlite/src/connection.hpp"

namespace {

using namespace gm::program;
using strings = std::vector<std::string>;
using gm::stores::sqlite::connection;
namespace exec = gm::kinds::exec;

class journal_parts : public testing::Test {
protected:
    journal_parts() {
        std::string made = (std::filesystem::temp_directory_path() / "gm-journal-XXXXXX").string();
        folder = ::mkdtemp(made.data());
        path = folder + "/a.run";
        std::ofstream(path) << "";
    }
    ~journal_parts() override { std::filesystem::remove_all(folder); }

    static run_facts facts() {
        return {.words = {"-j2", "echo", ""},
                .command = "echo {}",
                .directory = "/d",
                .started_in = "/s",
                .names = {"n"},
                .started = 5};
    }
    static new_line line(std::uint64_t number, const std::string& argument) {
        return {number, line_identities("echo {}", "/d").of(strings{argument}), packed({argument})};
    }
    static ended_lines ended(std::vector<std::uint64_t> lines, line_state how) {
        return {.lines = std::move(lines), .job = 1, .how = how, .status = 0, .worker = 1, .started = 0, .runtime = 0};
    }
    // A file of these lines, none of which has been run.
    std::unique_ptr<journal_file> known(const strings& arguments) {
        auto made = journal_file::begin(path, facts());
        EXPECT_TRUE(made) << (made ? "" : made.error().what);
        journal_batch batch;
        for (const std::string& one : arguments) batch.lines.push_back(line(batch.lines.size() + 1, one));
        EXPECT_EQ((*made)->write(batch), std::nullopt);
        return std::move(*made);
    }

    std::string folder, path;
};

TEST_F(journal_parts, tells_every_job_that_has_ended) {
    auto file = known({"a", "b", "c"});
    journal_batch batch;
    batch.ended.push_back({.lines = {1, 3},
                           .job = 2,
                           .how = line_state::failed,
                           .status = timed_out_status,
                           .worker = 4,
                           .started = 1000,
                           .runtime = 7});
    ASSERT_EQ(file->write(batch), std::nullopt);
    std::vector<ended_job> all;
    const auto keep = [&](ended_job&& one) { all.push_back(std::move(one)); };
    ASSERT_EQ(file->each_ended(true, keep), std::nullopt);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].job, 2u);
    EXPECT_EQ(all[0].how, line_state::failed);
    EXPECT_EQ(all[0].status, timed_out_status);
    EXPECT_EQ(all[0].worker, 4u);
    EXPECT_EQ(all[0].started, 1000);
    EXPECT_EQ(all[0].runtime, 7);
    EXPECT_EQ(all[0].arguments, (strings{"a", "c"}));
    ASSERT_EQ(file->each_ended(false, keep), std::nullopt);
    EXPECT_TRUE(all.at(1).arguments.empty());
}

// Lines are written many to a statement, the rest one by one; ends come with their lines, or later, or to some of both.
TEST_F(journal_parts, lines_may_end_in_the_commit_that_brings_them_or_in_a_later_one) {
    auto file = known({"1", "2", "3"});
    journal_batch batch;
    for (std::uint64_t number = 4; number <= 103; ++number) batch.lines.push_back(line(number, std::to_string(number)));
    batch.ended = {ended({2, 3, 4, 5, 70}, line_state::succeeded), ended({36, 37, 103}, line_state::failed)};
    batch.ended[1].job = 2;
    ASSERT_EQ(file->write(batch), std::nullopt);
    journal_batch later;
    later.ended = {ended({37, 38}, line_state::succeeded)};
    later.ended[0].job = 3;
    ASSERT_EQ(file->write(later), std::nullopt);
    EXPECT_EQ(file->facts().lines, 103u);
    EXPECT_EQ(file->facts().succeeded, 7u);
    EXPECT_EQ(file->facts().failed, 2u);
    std::map<std::uint64_t, strings> of_job;
    ASSERT_EQ(file->each_ended(true, [&](ended_job&& one) { of_job[one.job] = one.arguments; }), std::nullopt);
    EXPECT_EQ(of_job, (std::map<std::uint64_t, strings>{
                          {1, {"2", "3", "4", "5", "70"}}, {2, {"36", "103"}}, {3, {"37", "38"}}}));
    const auto waiting = file->lines_to_run(0, true, false);
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->size(), 103u - 9u);
    EXPECT_EQ(waiting->at(0).number, 1u);
    EXPECT_EQ(waiting->at(1).number, 6u);
    const auto all = file->lines_after(0, 103, 200);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 103u);
    for (const auto& one : *all) {
        EXPECT_EQ(one.who, line(one.number, std::to_string(one.number)).who);
    }
}

// A file that the first version has written: it is read as it is, and what is written to it makes it one of this version.
TEST_F(journal_parts, a_file_of_version_1_is_read_and_gone_on_with) {
    known({"a", "b"}).reset();
    {
        connection old(path, connection::mode::write, std::chrono::milliseconds(0));
        old.run_script(
            "ALTER TABLE line DROP COLUMN worker;"
            "UPDATE line SET state = 1, job = 1, status = 0, started = 5, runtime = 6 WHERE number = 1;"
            "PRAGMA user_version = 1");
    }
    std::vector<ended_job> all;
    const auto keep = [&](ended_job&& one) { all.push_back(std::move(one)); };
    {
        auto file = journal_file::open(path);
        ASSERT_TRUE(file) << file.error().what;
        ASSERT_EQ((*file)->each_ended(true, keep), std::nullopt);
    }
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].worker, 0u);
    EXPECT_EQ(connection(path, connection::mode::write, std::chrono::milliseconds(0)).number("PRAGMA user_version"), 1);
    auto file = journal_file::open(path);
    ASSERT_TRUE(file) << file.error().what;
    journal_batch batch;
    batch.ended = {ended({2}, line_state::succeeded)};
    for (int again = 0; again != 2; ++again) ASSERT_EQ((*file)->write(batch), std::nullopt);
    all.clear();
    ASSERT_EQ((*file)->each_ended(true, keep), std::nullopt);
    ASSERT_EQ(all.size(), 1u);  // both are job 1
    file = journal_file::open(path);
    ASSERT_FALSE(file);  // the first is still open
}

TEST_F(journal_parts, what_is_written_is_there_when_the_file_is_opened_again) {
    {
        auto file = known({"a", "b", "c"});
        journal_batch batch;
        batch.ended = {ended({1}, line_state::succeeded), ended({2, 3}, line_state::failed)};
        batch.highest_job = 7;
        batch.input_ended = true;
        EXPECT_EQ(file->write(batch), std::nullopt);
        journal_batch again;
        again.ended = {ended({3}, line_state::succeeded)};
        EXPECT_EQ(file->write(again), std::nullopt);
    }
    auto file = journal_file::open(path);
    ASSERT_TRUE(file) << file.error().what;
    const run_facts& now = (*file)->facts();
    EXPECT_EQ(now.words, facts().words);
    EXPECT_EQ(now.command + now.directory + now.started_in + now.names.at(0), "echo {}/d/sn");
    EXPECT_EQ(now.lines, 3u);
    EXPECT_EQ(now.succeeded, 2u);
    EXPECT_EQ(now.failed, 1u);
    EXPECT_EQ(now.jobs, 7u);
    EXPECT_TRUE(now.input_ended);
    const auto failed = (*file)->lines_to_run(0, false, true);
    ASSERT_TRUE(failed);
    ASSERT_EQ(failed->size(), 1u);
    EXPECT_EQ(unpacked(failed->at(0).arguments), strings{"b"});
    EXPECT_TRUE((*file)->lines_to_run(0, true, false)->empty());
}

TEST_F(journal_parts, one_process_has_it_and_an_empty_one_is_no_journal) {
    const auto empty = journal_file::open(path);
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().how, journal_error::empty);
    const auto file = known({"a"});
    const auto second = journal_file::open(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().how, journal_error::busy);
}

TEST_F(journal_parts, one_from_a_newer_program_or_of_another_kind_is_refused) {
    known({"a"}).reset();
    connection(path, connection::mode::write, {}).run_script("PRAGMA user_version = 3");
    EXPECT_NE(journal_file::open(path).error().what.find("a newer gristmill"), std::string::npos);
    const std::string other = folder + "/other.run";
    connection(other, connection::mode::create, {}).run_script("CREATE TABLE t (a)");
    EXPECT_NE(journal_file::open(other).error().what.find("no journal"), std::string::npos);
}

// The numbers of the known lines that an input of these arguments is, 0 for a new one.
std::vector<std::uint64_t> matched(journal_file& file, const strings& input) {
    auto matcher = line_matcher::make(file);
    EXPECT_TRUE(matcher);
    const line_identities identities("echo {}", "/d");
    std::vector<std::uint64_t> numbers;
    for (const std::string& one : input) {
        const auto found = matcher->take(identities.of(strings{one}));
        EXPECT_TRUE(found);
        numbers.push_back(*found ? (*found)->number : 0);
    }
    return numbers;
}
using numbers = std::vector<std::uint64_t>;

TEST_F(journal_parts, an_input_in_step_is_the_known_lines) {
    EXPECT_EQ(matched(*known({"a", "b", "a", "c"}), {"a", "b", "a", "c", "a", "d"}), (numbers{1, 2, 3, 4, 0, 0}));
}

TEST_F(journal_parts, a_line_is_known_wherever_it_stands_and_the_nth_is_the_nth) {
    EXPECT_EQ(matched(*known({"a", "b", "a", "c", "a"}), {"a", "new", "c", "a", "b", "b", "a", "a", "new"}),
              (numbers{1, 0, 4, 3, 2, 0, 5, 0, 0}));
}

TEST_F(journal_parts, a_line_that_is_gone_moves_nothing_else) {
    EXPECT_EQ(matched(*known({"a", "b", "c", "b"}), {"a", "c", "b"}), (numbers{1, 3, 2}));
}

TEST_F(journal_parts, a_long_list_is_known_line_by_line) {
    strings list;
    for (int i = 0; i < 2500; ++i) list.push_back(std::to_string(i % 2000));
    auto file = known(list);
    strings input = list;
    input.insert(input.begin() + 1500, "new");
    const numbers found = matched(*file, input);
    for (std::uint64_t i = 0; i < 1500; ++i) ASSERT_EQ(found[i], i + 1);
    EXPECT_EQ(found[1500], 0u);
    for (std::uint64_t i = 1501; i < found.size(); ++i) ASSERT_EQ(found[i], i);
}

// A run that is killed while a command of it runs.
TEST_F(journal_parts, a_command_that_lives_on_is_found_and_waited_for) {
    exec::command what;
    what.arguments = {"sleep", "1000"};
    auto child = exec::spawn(what);
    ASSERT_TRUE(child);
    const job one{.number = 1, .sequence = 4, .arguments = {"a"}, .lines = {1}};
    const std::string text = "sleep 1000";
    {
        journal it(path, facts());
        it.start({});
        std::uint64_t number = 0;
        EXPECT_EQ(it.line_read({"a"}, number), line_book::fate::run);
        it.started({one, text, 1, 1, child->pid});
        EXPECT_EQ(it.close(), std::nullopt);
    }
    auto file = journal_file::open(path);
    ASSERT_TRUE(file);
    auto left = (*file)->left_running();
    ASSERT_TRUE(left);
    ASSERT_EQ(left->size(), 1u);
    EXPECT_EQ(left->at(0).job, 4u);
    left_commands living(*left);
    EXPECT_EQ(living.pids(), std::vector<pid_t>{child->pid});
    left->at(0).started += 1;  // the same pid, another process
    EXPECT_TRUE(left_commands(*left).pids().empty());
    ::kill(child->pid, SIGKILL);
    living.wait();
    ::waitpid(child->pid, nullptr, 0);
    EXPECT_EQ((*file)->forget_running(), std::nullopt);
    EXPECT_TRUE((*file)->left_running()->empty());
}

// The reader is so far ahead that it has to wait; what has ended meanwhile is written with its lines.
TEST_F(journal_parts, a_full_queue_is_written_with_the_ends_of_its_lines) {
    constexpr std::uint64_t most_queued = 32'768, ended_first = 16'000;
    {
        journal it(path, facts());
        std::uint64_t number = 0;
        for (std::uint64_t i = 1; i <= most_queued; ++i) (void)it.line_read({std::to_string(i)}, number);
        EXPECT_EQ(number, most_queued);
        const job one{.number = 1, .sequence = 1, .arguments = {}, .lines = {ended_first}};
        const std::string text = "true";
        it.finished({one, text, verdict::succeeded, false, 1, 1, {}, {}, {}, 0});
        it.start({});
        EXPECT_EQ(it.line_read({"one more"}, number), line_book::fate::run);  // when some have been taken
        EXPECT_EQ(it.close(), std::nullopt);
    }
    const auto file = journal_file::open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->facts().lines, most_queued + 1);
    EXPECT_EQ((*file)->facts().succeeded, 1u);
    EXPECT_EQ((*file)->lines_to_run(ended_first - 1, true, true)->at(0).number, ended_first + 1);
}

TEST_F(journal_parts, a_file_that_cannot_be_written_is_told_once_and_takes_no_more_lines) {
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    journal it(path, facts());
    std::uint64_t number = 0;
    EXPECT_EQ(it.line_read({"a"}, number), line_book::fate::run);
    std::mutex lock;
    std::condition_variable changed;
    int told = 0;
    it.start([&](const std::string&) {
        const std::lock_guard guard(lock);
        ++told;
        changed.notify_all();
    });
    {
        std::unique_lock guard(lock);
        changed.wait(guard, [&] { return told == 1; });
    }
    EXPECT_EQ(it.line_read({"b"}, number), line_book::fate::stop);
    EXPECT_TRUE(it.close().has_value());
    EXPECT_EQ(told, 1);
}

TEST_F(journal_parts, the_folder_keeps_so_many) {
    ::setenv("GRISTMILL_STATE", folder.c_str(), 1);
    const auto runs = journal_folder::open();
    ASSERT_TRUE(runs) << runs.error();
    run_facts run = facts();
    for (int i = 0; i < 60; ++i, run.started += 1000) {
        const auto one = runs->make(run);
        ASSERT_TRUE(one) << one.error();
        journal_folder::mark(*one, i != 3);
    }
    std::ofstream(folder + "/runs/notes.txt") << "not ours";
    runs->prune({});
    const auto left = runs->runs();
    ASSERT_EQ(left.size(), 51u);
    EXPECT_FALSE(left.back().done);
    EXPECT_TRUE(left.front().name > left.back().name);
    EXPECT_TRUE(std::filesystem::exists(folder + "/runs/notes.txt"));
    EXPECT_TRUE(journal_folder::is_of(left[0], run));
    EXPECT_TRUE(journal_folder::is_started_in(left[0], "/s"));
    run.command = "other";
    EXPECT_FALSE(journal_folder::is_of(left[0], run));
    EXPECT_FALSE(journal_folder::is_started_in(left[0], "/t"));
}

// Another process that has a journal open until it is told to go.
class other_process {
public:
    explicit other_process(const std::string& path, const run_facts& facts) {
        int says[2], hears[2];
        EXPECT_EQ(::pipe2(says, O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(hears, O_CLOEXEC), 0);
        pid_ = ::fork();
        char byte = 0;
        if (pid_ == 0) {
            ::close(hears[1]);
            const auto file = journal_file::begin(path, facts);
            if (file) static_cast<void>(!::write(says[1], "1", 1));
            static_cast<void>(!::read(hears[0], &byte, 1));
            std::_Exit(0);
        }
        ::close(says[1]);
        ::close(hears[0]);
        EXPECT_EQ(::read(says[0], &byte, 1), 1) << "it could not open the journal";
        ::close(says[0]);
        end_ = hears[1];
    }
    ~other_process() { end(); }
    other_process(const other_process&) = delete;
    other_process& operator=(const other_process&) = delete;
    void end() {
        if (pid_ <= 0) return;
        ::close(end_);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }

private:
    pid_t pid_;
    int end_;
};

// It went by age and number alone, and took a journal from under a run that was still going.
TEST_F(journal_parts, what_another_process_has_open_is_not_pruned) {
    ::setenv("GRISTMILL_STATE", folder.c_str(), 1);
    const auto runs = journal_folder::open();
    ASSERT_TRUE(runs) << runs.error();
    const auto made = [&](const run_facts& run) {
        const auto one = runs->make(run);
        EXPECT_TRUE(one) << one.error();
        return *one;
    };
    const auto used = made(facts()), unused = made(facts()), ours = made(facts());
    other_process other(used.path, facts());
    for (const auto& each : {used, unused, ours})
        std::filesystem::last_write_time(each.path,
                                         std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 100));
    runs->prune(ours);
    const auto left = runs->runs();
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].name, ours.name);
    EXPECT_EQ(left[1].name, used.name);
    EXPECT_TRUE(std::filesystem::exists(used.path + "-wal"));
    other.end();
    std::filesystem::last_write_time(used.path,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 100));
    runs->prune(ours);
    EXPECT_EQ(runs->runs().size(), 1u);
}

}  // namespace
