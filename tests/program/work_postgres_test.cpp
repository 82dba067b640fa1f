// The same service on a real PostgreSQL: one server, and all that it costs to start it once.
#include "jobs_helpers.hpp"

namespace {

using namespace program_tests;

class postgres_server {
public:
    postgres_server() {
        if (const char* const given = std::getenv("GRISTMILL_POSTGRES")) {
            url_ = std::string(given);
            return;
        }
        std::istringstream said(running({GRISTMILL_SERVERS "/postgres", "start", "fsync=off"}).wait().output);
        std::getline(said, folder_);
        std::getline(said, url_);
    }
    ~postgres_server() {
        if (!folder_.empty()) running({GRISTMILL_SERVERS "/postgres", "stop", folder_}).wait();
    }
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    // In a schema of its own.
    std::string url(const std::string& name) const {
        return url_ + "?schema=" + name + "_" + std::to_string(::getpid());
    }

private:
    std::string folder_, url_;
};

TEST(work_on_postgres, a_service_from_its_tables_to_a_crash) {
    const postgres_server server;
    const jobs_folder jobs(server.url("work"));

    const answer before = jobs.run("migrate", {"--check"});
    EXPECT_EQ(before.status, 1) << before.errors;
    EXPECT_TRUE(contains(before.output, "has version 0")) << before.output;
    const answer migrated = jobs.run("migrate");
    EXPECT_EQ(migrated.status, 0) << migrated.errors;
    EXPECT_TRUE(contains(migrated.output, "; done")) << migrated.output;
    EXPECT_EQ(jobs.run("migrate", {"--check"}).status, 0);

    ASSERT_EQ(jobs.run("push", {"--quiet", "-"}, "echo a\necho b\necho c\n").status, 0);
    const answer drained = jobs.run("drain", {"--allow-exec", "-j2"});
    EXPECT_EQ(drained.status, 0) << drained.errors;
    EXPECT_TRUE(contains(drained.errors, "3 completed")) << drained.errors;

    const std::string id = jobs.line_of("push", {waits_for(jobs, "gm-postgres")});
    running first(jobs.command("work", {"--allow-exec", "--lease", "1s"}));
    wait_for_file(jobs / "runs");
    first.signal(SIGKILL);
    EXPECT_EQ(first.wait().status, 128 + SIGKILL);
    std::ofstream(jobs / "go") << "";
    running second(jobs.command("work", {"--allow-exec", "--lease", "1s"}));
    EXPECT_EQ(jobs.run("wait", {id}).output, id + " completed\n");
    EXPECT_TRUE(contains(jobs.run("wait", {id, "--json"}).output, R"("attempts":1,"crashes":1)"));
    second.signal(SIGTERM);
    EXPECT_EQ(second.wait().status, 0);
}

TEST(work_on_postgres, passwords_are_shown_nowhere) {
    const jobs_folder jobs("postgres://somebody:sesame@127.0.0.1:1/nowhere?patience=100ms");
    for (const char* const verb : {"push", "wait", "migrate"}) {
        const answer it = jobs.run(verb, verb == std::string("migrate") ? strings{} : strings{"1"});
        EXPECT_EQ(it.status, 255);
        EXPECT_FALSE(contains(it.errors + it.output, "sesame")) << it.errors;
    }
}

}  // namespace
