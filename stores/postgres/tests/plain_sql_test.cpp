// The examples of other languages (examples/sql), as a user would run them; then a worker in C++ does the jobs that they put in.

#include <array>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner.hpp>

#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

struct confirmation {
    std::int64_t order = 0;
    std::string to;
    static constexpr auto fields = jobs::fields("order", &confirmation::order, "to", &confirmation::to);
};

// What the command prints; its errors go to the test's.
std::string output_of(const std::string& command) {
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (!pipe) return "cannot be run";
    std::string said;
    std::array<char, 512> text{};
    while (std::fgets(text.data(), text.size(), pipe)) said += text.data();
    EXPECT_EQ(pclose(pipe), 0) << command;
    return said;
}

bool there_is(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

// A database of its own: the examples use the schema by the name it has for everybody.
class postgres_plain_sql : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(server_.tell("create database " + name_)); }
    void TearDown() override { EXPECT_TRUE(server_.tell("drop database " + name_ + " with (force)")); }

    std::string url() const {
        const std::string& whole = server::shared().url();
        return whole.substr(0, whole.rfind('/') + 1) + name_;
    }
    static std::string example(const std::string& name) { return std::string(GRISTMILL_EXAMPLES) + "/sql/" + name; }

    void expect_jobs_put_in_by(const std::string& command) {
        const auto store = stores::open_postgres(url());
        ASSERT_TRUE(store) << store.error().what;
        const std::string said = output_of(command);
        EXPECT_EQ(said.substr(0, said.find(':')), "order 1") << said;
        const auto all = (*store)->ledger()->list({}, {.by = jobs::order::oldest_first}).value();
        ASSERT_EQ(all.size(), 2u) << said;
        const std::string first = std::to_string(all[0].id.number), second = std::to_string(all[1].id.number);
        EXPECT_EQ(said, "order 1: job " + first + "\nreport: job " + second + "\nagain: job " + second + "\n");
        EXPECT_EQ(all[1].queue, "reports");
        EXPECT_EQ(all[1].priority, 5);

        jobs::registry kinds;
        kinds.add<confirmation>("order.confirm",
                                [](const confirmation& to) { return to.to + " " + std::to_string(to.order); });
        kinds.add("report", [](const jobs::body&) {});
        const auto report =
            jobs::runner(**store, kinds, {.workers = 1, .queues = {"default", "reports"}, .until_idle = true}).run();
        EXPECT_EQ(report.counts.completed, 2u);
        EXPECT_EQ((*store)->ledger()->find(all[0].id).value()->result.bytes, "\"ann 1\"");
        plain_connection look(url());
        EXPECT_EQ(look.ask("select string_agg(customer, ',') from orders"), "ann");
    }

private:
    plain_connection server_{server::shared().url()};
    const std::string name_ = fresh_schema();
};

TEST_F(postgres_plain_sql, jobs_are_put_in_from_psql) {
    expect_jobs_put_in_by("psql -q -v ON_ERROR_STOP=1 -f " + example("enqueue.sql") + " " + url());
}

TEST_F(postgres_plain_sql, jobs_are_put_in_from_python) {
    if (!there_is("/usr/bin/python3 -c 'import psycopg2'"))
        GTEST_SKIP() << "Debian's python3-psycopg2 is not installed";
    expect_jobs_put_in_by("/usr/bin/python3 " + example("enqueue.py") + " " + url());
}

TEST_F(postgres_plain_sql, jobs_are_put_in_from_go) {
    if (!there_is("test -d /usr/share/gocode/src/github.com/lib/pq && /usr/bin/go version"))
        GTEST_SKIP() << "Debian's golang-go and golang-github-lib-pq-dev are not installed";
    expect_jobs_put_in_by(
        "CGO_ENABLED=0 GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local GOPATH=/usr/share/gocode /usr/bin/go run " +
        example("enqueue.go") + " '" + url() + "?sslmode=disable'");
}

}  // namespace
