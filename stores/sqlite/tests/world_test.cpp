// What the world does to a file: each time a clear word, nothing lost, and no end of the program.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include <gristmill/stores/sqlite.hpp>

#include "../src/side_file.hpp"
#include "fixtures.hpp"
#include "full_disk.hpp"
#include "scratch.hpp"

namespace {

using namespace gm::jobs;
using gm::stores::open_sqlite;
using gm::test::opened;

void run_sql(const std::string& path, const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
    char* said = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &said), SQLITE_OK) << (said ? said : "");
    sqlite3_free(said);
    sqlite3_close(handle);
}

new_job job_of(std::size_t bytes) { return {.kind = "kind", .arguments = {std::string(bytes, 'x'), "text/plain"}}; }

void expect_fault(const std::string& path, store_fault fault, const std::string& word,
                  const gm::stores::sqlite_options& options = {}) {
    const auto made = open_sqlite(path, options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, fault) << made.error().what;
    EXPECT_NE(made.error().what.find(word), std::string::npos) << made.error().what;
    EXPECT_NE(made.error().what.find(path.substr(path.rfind('/') + 1)), std::string::npos) << made.error().what;
}

// Rights mean nothing to root: then the test acts as somebody else.
class as_nobody {
public:
    as_nobody() : was_(::geteuid()) {
        if (was_ == 0) become(65534);
    }
    ~as_nobody() {
        if (was_ == 0) become(was_);
    }
    as_nobody(const as_nobody&) = delete;
    as_nobody& operator=(const as_nobody&) = delete;

private:
    static void become(uid_t whom) { EXPECT_EQ(::seteuid(whom), 0); }
    const uid_t was_;
};

TEST(sqlite_world, missing_directory_is_told) {
    const gm::test::scratch where;
    expect_fault(where.file("not/there/work.db"), store_fault::missing, "directory");
}

TEST(sqlite_world, directory_in_place_of_a_file_is_told) {
    const gm::test::scratch where;
    expect_fault(where.path(), store_fault::invalid, "is a directory");
}

TEST(sqlite_world, missing_file_is_not_made_when_that_was_not_wanted) {
    const gm::test::scratch where;
    expect_fault(where.file("work.db"), store_fault::missing, "no such file", {.create = false});
    EXPECT_NE(::access(where.file("work.db").c_str(), F_OK), 0);
}

TEST(sqlite_world, file_that_is_no_database_is_left_as_it_is) {
    const gm::test::scratch where;
    const std::string words(5000, 'w');
    std::ofstream(where.file("letter.txt")) << words;
    expect_fault(where.file("letter.txt"), store_fault::damaged, "is no SQLite database");
    std::ifstream again(where.file("letter.txt"));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(again), {}), words);
    EXPECT_NE(::access(where.file("letter.txt-gristmill").c_str(), F_OK), 0) << "nothing is put beside it";
}

TEST(sqlite_world, file_of_a_newer_program_is_refused) {
    const gm::test::scratch where;
    {
        const auto store = opened(where.file("work.db"));
    }
    run_sql(where.file("work.db"), "UPDATE gm_meta SET value = 999 WHERE name IN ('version', 'least_worker')");
    expect_fault(where.file("work.db"), store_fault::too_new, "newer gristmill");
}

TEST(sqlite_world, newer_file_that_older_programs_may_use_is_used) {
    const gm::test::scratch where;
    {
        const auto store = opened(where.file("work.db"));
    }
    run_sql(where.file("work.db"), "UPDATE gm_meta SET value = 999 WHERE name = 'version'");
    const auto store = opened(where.file("work.db"));
    ASSERT_TRUE(store);
    const new_job job = job_of(10);
    EXPECT_TRUE(store->sink().publish({&job, 1}));
}

TEST(sqlite_world, older_file_is_not_migrated_when_that_was_not_wanted) {
    const gm::test::scratch where;
    run_sql(where.file("work.db"), "CREATE TABLE of_the_application (a)");
    expect_fault(where.file("work.db"), store_fault::too_old, "migration", {.migrate = false});
}

TEST(sqlite_world, tables_and_version_of_the_application_are_left_alone) {
    const gm::test::scratch where;
    run_sql(where.file("app.db"), "CREATE TABLE jobs (a); INSERT INTO jobs VALUES (7); PRAGMA user_version = 42");
    {
        const auto store = opened(where.file("app.db"));
    }
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(where.file("app.db").c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* asking = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(handle,
                                 "SELECT (SELECT a FROM jobs), (SELECT user_version FROM pragma_user_version), count(*)"
                                 " FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'gm\\_%' ESCAPE '\\'",
                                 -1, &asking, nullptr),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_step(asking), SQLITE_ROW);
    EXPECT_EQ(sqlite3_column_int(asking, 0), 7);
    EXPECT_EQ(sqlite3_column_int(asking, 1), 42);
    EXPECT_EQ(sqlite3_column_int(asking, 2), 1);
    sqlite3_finalize(asking);
    sqlite3_close(handle);
}

TEST(sqlite_world, read_only_file_is_told) {
    const gm::test::scratch where;
    {
        const auto store = opened(where.file("work.db"));
    }
    for (const char* const name : {"work.db", "work.db-gristmill"})
        ASSERT_EQ(::chmod(where.file(name).c_str(), 0444), 0);
    ASSERT_EQ(::chmod(where.path().c_str(), 0755), 0);
    const as_nobody other;
    expect_fault(where.file("work.db"), store_fault::refused, "work.db");
}

TEST(sqlite_world, read_only_directory_is_told) {
    const gm::test::scratch where;
    ASSERT_EQ(::chmod(where.path().c_str(), 0555), 0);
    {
        const as_nobody other;
        expect_fault(where.file("work.db"), store_fault::refused, "work.db");
    }
    ASSERT_EQ(::chmod(where.path().c_str(), 0755), 0);
}

TEST(sqlite_world, network_file_systems_are_known) {
    for (const std::int64_t type : {0x6969LL, 0xff534d42LL, 0xfe534d42LL, 0x01021997LL, 0x00c36400LL})
        EXPECT_TRUE(gm::stores::sqlite::is_network(type)) << std::hex << type;
    EXPECT_TRUE(gm::stores::sqlite::is_network(static_cast<std::int32_t>(0xff534d42)));  // as a signed word gives it
    for (const std::int64_t type :
         {0xef53LL, 0x58465342LL, 0x9123683eLL, 0x01021994LL, 0x794c7630LL})  // ext4, xfs, btrfs …
        EXPECT_FALSE(gm::stores::sqlite::is_network(type)) << std::hex << type;
}

// Pages of the tables are overwritten while nobody has the file open.
TEST(sqlite_world, damaged_pages_are_told_and_do_not_end_the_program) {
    const gm::test::scratch where;
    {
        const auto store = opened(where.file("work.db"));
        const std::vector<new_job> many(500, job_of(1000));
        ASSERT_TRUE(store->sink().publish(many));
    }
    const int file = ::open(where.file("work.db").c_str(), O_RDWR);
    ASSERT_GE(file, 0);
    const std::string rubbish(4096, '\x5a');
    for (off_t page = 40; page < 120; ++page)
        ASSERT_EQ(::pwrite(file, rubbish.data(), rubbish.size(), page * 4096), 4096);
    ::close(file);

    const auto store = opened(where.file("work.db"));
    ASSERT_TRUE(store);
    const auto worker = store->subscribe({});
    ASSERT_TRUE(worker);
    const auto got = (*worker)->exchange({}, {.idle = 500});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().fault, store_fault::damaged) << got.error().what;
    EXPECT_NE(got.error().what.find("backup"), std::string::npos) << got.error().what;
    const auto listed = store->ledger()->list({.kind = "kind"}, {.most = 1000});
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().fault, store_fault::damaged) << listed.error().what;
}

TEST(sqlite_world, full_disk_is_told_loses_nothing_and_work_goes_on_when_there_is_room) {
    const gm::test::full_disk disk;
    if (!disk.ready()) GTEST_SKIP() << "a file system of its own cannot be mounted here: " << disk.why_not();
    const auto store = opened(disk.file("work.db"));
    ASSERT_TRUE(store);
    const std::vector<new_job> some(10, job_of(10'000));
    std::uint64_t accepted = 0;
    std::optional<store_error> error;
    while (!error && accepted < 10'000) {
        auto outcome = store->sink().publish(some);
        if (outcome)
            accepted += outcome->size();
        else
            error = std::move(outcome).error();
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, store_fault::full) << error->what;
    EXPECT_GT(accepted, 0u);
    EXPECT_EQ(store->ledger()->count({.kind = "kind"}).value(), accepted);

    ASSERT_TRUE(disk.grow());
    EXPECT_TRUE(store->sink().publish(some));
    const auto worker = store->subscribe({});
    ASSERT_TRUE(worker);
    const auto got = (*worker)->exchange({}, {.idle = 100'000});
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_EQ(got->jobs.size(), accepted + some.size());
}

}  // namespace
