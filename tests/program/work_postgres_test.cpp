// The same service on a real PostgreSQL.
#include "jobs_helpers.hpp"
#include "store_places.hpp"

namespace {

using namespace program_tests;

// With the other tests of the server: one start for all of them.
class work_on : public testing::TestWithParam<const char*> {
protected:
    const store_place place{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(postgres, work_on, testing::Values("postgres"));

TEST_P(work_on, a_service_from_its_tables_to_a_crash) {
    const jobs_folder jobs(place.url);

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
