// A sync that fails, and then one that succeeds although the disk has not what the first one should have taken there. What was told as
// committed is on the disk in any case: each test ends with a power cut, and looks.
#include <gristmill/stores/sqlite.hpp>

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "fickle_disk.hpp"
#include "scratch.hpp"

namespace {

using namespace gm::jobs;
using gm::stores::counters_of;

constexpr int always = 1'000'000;

class failed_sync : public ::testing::Test {
protected:
    failed_sync() : store_(open("work.db")) {}

    std::unique_ptr<store> open(const std::string& name) const {
        auto made = gm::stores::open_sqlite(where_.file(name), {});
        if (!made) {
            ADD_FAILURE() << made.error().what;
            std::abort();
        }
        return std::move(*made);
    }
    // Its id is kept if the store says that it is in.
    bool insert() {
        const new_job one{.kind = "kind"};
        const auto made = store_->sink().publish({&one, 1});
        if (!made) {
            EXPECT_EQ(made.error().fault, store_fault::unreachable) << made.error().what;
            return false;
        }
        told_.push_back(made->at(0).id);
        return true;
    }
    // A claim does not wait for the disk, and the next sync takes it along.
    void claim_alone() {
        const auto unsynced = counters_of(*store_).unsynced;
        ASSERT_EQ(worker_->exchange({}, {.idle = 1}).value().jobs.size(), 1u);
        ASSERT_EQ(counters_of(*store_).unsynced, unsynced + 1);
    }
    void expect_that_a_power_cut_leaves_all_that_was_told() {
        for (const char* const ending : {"", "-wal"})
            disk_.leave(where_.file("work.db") + ending, where_.file("left.db") + ending);
        const auto left = open("left.db");
        for (const job_id id : told_) EXPECT_TRUE(left->ledger()->find(id).value()) << id.number;
    }

    const gm::test::scratch where_;
    gm::test::fickle_disk disk_;
    std::unique_ptr<store> store_;
    std::unique_ptr<source> worker_ = std::move(*store_->subscribe({}));
    std::vector<job_id> told_;
};

TEST_F(failed_sync, commit_whose_sync_failed_is_not_told_and_the_next_one_is_on_the_disk) {
    EXPECT_TRUE(insert());
    disk_.fail_syncs("-wal", 1);
    EXPECT_FALSE(insert());
    EXPECT_TRUE(insert());
    expect_that_a_power_cut_leaves_all_that_was_told();
}

// The claim was in the log and not on the disk; with it would have been lost all that came after it.
TEST_F(failed_sync, what_was_afloat_is_written_once_more_before_anything_comes_behind_it) {
    EXPECT_TRUE(insert());
    claim_alone();
    disk_.fail_syncs("-wal", always);
    EXPECT_FALSE(insert());
    const auto checkpoints = counters_of(*store_).checkpoints;
    disk_.fail_syncs("-wal", 0);
    EXPECT_TRUE(insert());
    EXPECT_EQ(counters_of(*store_).checkpoints, checkpoints + 1);
    EXPECT_TRUE(insert());
    EXPECT_EQ(counters_of(*store_).checkpoints, checkpoints + 1) << "once";
    expect_that_a_power_cut_leaves_all_that_was_told();
}

TEST_F(failed_sync, nothing_is_told_while_the_disk_goes_on_failing) {
    EXPECT_TRUE(insert());
    claim_alone();
    disk_.fail_syncs("-wal", always);
    EXPECT_FALSE(insert());
    EXPECT_FALSE(insert());
    disk_.fail_syncs("work.db", always);
    EXPECT_FALSE(insert());
    EXPECT_FALSE(insert());
    disk_.fail_syncs("", 0);
    EXPECT_TRUE(insert());
    expect_that_a_power_cut_leaves_all_that_was_told();
}

// Nobody waits for that sync. Whoever comes next must not be told more than is true.
TEST_F(failed_sync, sync_that_fails_behind_everybodys_back_is_made_good) {
    EXPECT_TRUE(insert());
    disk_.fail_syncs("-wal", 1);
    claim_alone();
    while (counters_of(*store_).afloat) std::this_thread::yield();
    EXPECT_EQ(disk_.failures_left(), 0);
    EXPECT_TRUE(insert());
    expect_that_a_power_cut_leaves_all_that_was_told();
}

// A reader holds the old log: it cannot be begun anew, and behind its gap nothing would be found.
TEST_F(failed_sync, commit_waits_for_a_reader_of_the_doubtful_log) {
    store_ = nullptr;
    worker_ = nullptr;
    store_ = std::move(*gm::stores::open_sqlite(where_.file("work.db"), {.patience = std::chrono::milliseconds(20)}));
    worker_ = std::move(*store_->subscribe({}));
    EXPECT_TRUE(insert());
    claim_alone();
    sqlite3* reader = nullptr;
    ASSERT_EQ(sqlite3_open(where_.file("work.db").c_str(), &reader), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM gm_jobs", nullptr, nullptr, nullptr), SQLITE_OK);
    disk_.fail_syncs("-wal", always);
    EXPECT_FALSE(insert());
    disk_.fail_syncs("-wal", 0);
    EXPECT_FALSE(insert());
    ASSERT_EQ(sqlite3_exec(reader, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_TRUE(insert());
    sqlite3_close(reader);
    expect_that_a_power_cut_leaves_all_that_was_told();
}

}  // namespace
