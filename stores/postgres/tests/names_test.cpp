// Statements that the server keeps by their names: where its process is our own, and not behind a pooler. When a name has gone, was
// taken or no longer gives what it gave, nobody notices: no job is lost, and none is done twice.

#include <gtest/gtest.h>

#include "../src/line.hpp"
#include "crew.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;
using stores::pg::backoff;
using stores::pg::line;
using stores::pg::repeatable;
using stores::pg::settings;
using stores::pg::statement;
using namespace std::chrono_literals;

// One line to the server, and what its process knows by a name.
class named_line {
public:
    explicit named_line(std::string url) : how_{std::move(url), "the server", "public", 10s, 1s} {}

    // 1, by its name, so many times in one transaction; and the sum of it.
    std::int64_t ask(std::size_t times = 1) {
        return sum_of(std::vector<statement>(times, {"select 1::bigint", {}, "select 1"}));
    }
    std::int64_t kept() { return sum_of({{"select count(*) from pg_prepared_statements where name = 'select 1'"}}); }
    std::int64_t process() { return sum_of({{"select pg_backend_pid()::bigint"}}); }
    void tell(const std::string& sql) { EXPECT_TRUE((*line_.open())->command(sql)) << sql; }

private:
    std::int64_t sum_of(const std::vector<statement>& list) {
        const auto answers = line_.run(list, repeatable::no);
        if (!answers) {
            ADD_FAILURE() << answers.error().error.what;
            return -1;
        }
        std::int64_t sum = 0;
        for (const auto& each : *answers) sum += each.number(0, 0);
        return sum;
    }

    const settings how_;
    backoff pause_;
    line line_{how_, pause_};
};

TEST(postgres_names, direct_connection_keeps_what_has_a_name) {
    named_line direct(server::shared().url());
    EXPECT_EQ(direct.ask(), 1);
    EXPECT_EQ(direct.kept(), 0) << "the first answer says whose process it is: until then nothing has a name";
    for (int i = 0; i < 3; ++i) EXPECT_EQ(direct.ask(), 1);
    EXPECT_EQ(direct.kept(), 1);
}

// As the parts of a large insert are.
TEST(postgres_names, name_asked_for_again_and_again_in_one_transaction_is_given_once) {
    named_line direct(server::shared().url());
    EXPECT_EQ(direct.kept(), 0);  // a first answer
    const std::int64_t process = direct.process();
    for (int i = 0; i < 2; ++i) EXPECT_EQ(direct.ask(3), 3);
    EXPECT_EQ(direct.kept(), 1);
    EXPECT_EQ(direct.process(), process);
}

TEST(postgres_names, pooled_connection_gives_no_names) {
    named_line pooled(server::shared().pooled_url());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(pooled.ask(), 1);
    EXPECT_EQ(pooled.kept(), 0);
}

class postgres_names_that_went : public ::testing::TestWithParam<const char*> {};

TEST_P(postgres_names_that_went, are_given_anew) {
    named_line direct(server::shared().url());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(direct.ask(), 1);
    direct.tell(GetParam());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(direct.ask(), 1);
    EXPECT_EQ(direct.kept(), 1);
}

INSTANTIATE_TEST_SUITE_P(postgres_names, postgres_names_that_went, ::testing::Values("discard all", "deallocate all"));

TEST(postgres_names, name_that_somebody_took_is_no_obstacle) {
    named_line direct(server::shared().url());
    EXPECT_EQ(direct.kept(), 0);  // a first answer
    direct.tell("prepare \"select 1\" as select 2::bigint");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(direct.ask(), 1);
}

class postgres_names_at_work : public ::testing::Test {
protected:
    const std::string schema = fresh_schema();
    const std::unique_ptr<jobs::store> store = open_store(server::shared().url(), {.schema = schema});
    plain_connection other{server::shared().url()};

    void SetUp() override { ASSERT_TRUE(other.tell("set search_path = " + schema)); }
    void publish(std::size_t count) {
        ASSERT_TRUE(store->sink().publish(std::vector<jobs::new_job>(count, jobs::new_job{.kind = "kind"})));
    }
    std::uint64_t completed() { return store->ledger()->count({.states = {jobs::state::completed}}).value(); }
};

// As somebody's DISCARD ALL in the middle of the work would, again and again: an exchange in eight ends with it.
TEST_F(postgres_names_at_work, names_forgotten_while_draining_lose_nothing) {
    constexpr std::size_t total = 3000;
    publish(total);
    ASSERT_TRUE(other.tell(R"(
create sequence forgotten;
alter function look(text[]) rename to look_of_before;
create function look(names text[], out suspects boolean, out next_in bigint) language plpgsql as $$
begin
    select * into suspects, next_in from look_of_before(names);
    if random() < 0.125 then
        perform nextval('forgotten');
        execute 'deallocate all';
    end if;
end $$;)"));
    crew workers(*store, 2);
    ASSERT_TRUE(eventually([&] { return workers.finished() >= total; }));
    workers.stop();
    EXPECT_GT(std::stoll(other.ask("select last_value from forgotten")), 3);
    EXPECT_EQ(completed(), total);
    EXPECT_EQ(workers.twice(), 0u);
    EXPECT_EQ(workers.errors(), 0u);
}

// A migration that gives a function another type while its old answer is known by a name.
TEST_F(postgres_names_at_work, function_of_another_type_is_asked_anew) {
    publish(4);
    const auto source = store->subscribe({}).value();
    const auto first = source->exchange({}, {.idle = 1});
    ASSERT_TRUE(first);
    const jobs::settlement first_end{.which = first->jobs.at(0).which};
    const auto second = source->exchange(std::span(&first_end, 1), {.idle = 1});
    ASSERT_TRUE(second);
    ASSERT_TRUE(other.tell(R"(begin;
alter function look(text[]) rename to look_of_before;
create function look(names text[], out suspects boolean, out next_in bigint, out colour text) language plpgsql as $$
begin
    select * into suspects, next_in from look_of_before(names);
end $$;
commit)"));
    const jobs::settlement end{.which = second->jobs.at(0).which};
    const auto third = source->exchange(std::span(&end, 1), {.idle = 1});
    ASSERT_TRUE(third) << third.error().what;
    EXPECT_EQ(third->outcomes, std::vector{jobs::settled::yes});
    EXPECT_EQ(third->jobs.size(), 1u);
    EXPECT_EQ(completed(), 2u);
    EXPECT_EQ(store->ledger()->count({.states = {jobs::state::running}}).value(), 1u);
}

}  // namespace
