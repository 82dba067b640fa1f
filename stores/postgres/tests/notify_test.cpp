// A worker that waits hears of an insert that somebody else makes.

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "crew.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;
using namespace std::chrono_literals;

class doorbell {
public:
    void ring() {
        const std::lock_guard lock(mutex_);
        ++rings_;
        rung_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return rung_.wait_for(lock, 60s, [&] { return std::exchange(rings_, 0) > 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable rung_;
    int rings_ = 0;
};

// Looks when it is told to, until there is a job.
bool gets_a_job(jobs::source& source, doorbell& bell) {
    for (;;) {
        auto got = source.exchange({}, {.idle = 1});
        if (!got) return false;
        if (!got->jobs.empty()) return true;
        if (!bell.wait()) return false;
    }
}

TEST(postgres_notify, sleeping_worker_is_told_of_an_insert_in_plain_sql) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    doorbell bell;
    const auto source = store->subscribe({.bell = [&] { bell.ring(); }}).value();
    plain_connection other(server::shared().url()), ear(server::shared().url());
    ASSERT_TRUE(ear.tell("listen " + schema + "_work"));
    // It says that it sleeps as soon as it can hear; inserts notify only then.
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(source->exchange({}, {.idle = 1}));
        return other.ask("select count(*) from " + schema + ".sleeper") == "1";
    }));
    other.ask("select " + schema + ".insert('kind')");
    EXPECT_TRUE(gets_a_job(*source, bell));
    EXPECT_TRUE(eventually([&] {
        PQconsumeInput(ear.raw());
        PGnotify* const heard = PQnotifies(ear.raw());
        if (!heard) return false;
        const bool ours = std::string(heard->extra) == "default";
        PQfreemem(heard);
        return ours;
    }));
}

TEST(postgres_notify, nobody_is_notified_where_nobody_sleeps) {
    const std::string schema = fresh_schema();
    open_store(server::shared().url(), {.schema = schema});
    plain_connection other(server::shared().url());
    ASSERT_TRUE(other.tell("listen " + schema + "_work"));
    other.ask("select " + schema + ".insert('kind')");
    other.ask("select 1");  // a notification of one's own would have come with the answer before
    PQconsumeInput(other.raw());
    EXPECT_EQ(PQnotifies(other.raw()), nullptr);
}

TEST(postgres_notify, worker_behind_a_pooler_looks_for_itself) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().pooled_url(), {.schema = schema});
    doorbell bell;
    const auto source = store->subscribe({.bell = [&] { bell.ring(); }}).value();
    ASSERT_TRUE(source->exchange({}, {.idle = 1}));
    plain_connection other(server::shared().url());
    other.ask("select " + schema + ".insert('kind')");
    EXPECT_TRUE(gets_a_job(*source, bell));
}

TEST(postgres_notify, worker_behind_a_pooler_hears_by_a_way_of_its_own) {
    const std::string schema = fresh_schema();
    const auto store =
        open_store(server::shared().pooled_url(), {.schema = schema, .notify_url = server::shared().url()});
    doorbell bell;
    const auto source = store->subscribe({.bell = [&] { bell.ring(); }}).value();
    plain_connection other(server::shared().url());
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(source->exchange({}, {.idle = 1}));
        return other.ask("select count(*) from " + schema + ".sleeper") == "1";
    }));
}

}  // namespace
