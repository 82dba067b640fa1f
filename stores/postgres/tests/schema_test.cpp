// The schema and programs of different ages.

#include <thread>

#include <gtest/gtest.h>

#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

TEST(postgres_schema, many_programs_open_a_new_one_at_the_same_time) {
    const std::string schema = fresh_schema();
    std::vector<std::jthread> programs;
    std::atomic<int> opened = 0;
    for (int i = 0; i < 6; ++i)
        programs.emplace_back([&] {
            auto store = stores::open_postgres(server::shared().url(), {.schema = schema});
            EXPECT_TRUE(store) << store.error().what;
            if (store) ++opened;
        });
    programs.clear();
    EXPECT_EQ(opened, 6);
    plain_connection look(server::shared().url());
    EXPECT_EQ(look.ask("select count(*) = max(version) from " + schema + ".meta"), "t");
}

TEST(postgres_schema, schema_for_newer_workers_is_refused) {
    const std::string schema = fresh_schema();
    open_store(server::shared().url(), {.schema = schema});
    plain_connection newer(server::shared().url());
    ASSERT_TRUE(newer.tell("insert into " + schema + ".meta (version, least_worker) values (1000, 1)"));
    EXPECT_TRUE(stores::open_postgres(server::shared().url(), {.schema = schema}));  // newer, and we may use it
    ASSERT_TRUE(newer.tell("insert into " + schema + ".meta (version, least_worker) values (1001, 1000)"));
    const auto refused = stores::open_postgres(server::shared().url(), {.schema = schema});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, jobs::store_fault::too_new);
}

TEST(postgres_schema, old_schema_is_migrated_only_where_that_is_wanted) {
    const std::string schema = fresh_schema();
    const auto refused = stores::open_postgres(server::shared().url(), {.schema = schema, .migrate = false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, jobs::store_fault::too_old);
    EXPECT_TRUE(stores::open_postgres(server::shared().url(), {.schema = schema}));
    EXPECT_TRUE(stores::open_postgres(server::shared().url(), {.schema = schema, .migrate = false}));
}

TEST(postgres_schema, name_that_could_be_sql_is_invalid) {
    for (const char* const name : {"", "a;b", "Upper", "a\"b", "1st", "pg_own"}) {
        const auto refused = stores::open_postgres(server::shared().url(), {.schema = name});
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().fault, jobs::store_fault::invalid);
    }
}

// Where only an administrator makes schemas, one that is there is enough.
TEST(postgres_schema, made_by_an_administrator_is_filled_by_who_may_not_make_one) {
    const std::string schema = fresh_schema(), role = "role_" + schema;
    plain_connection administrator(server::shared().url());
    ASSERT_TRUE(administrator.tell("create role " + role + " login"));
    std::string url = server::shared().url();
    url.replace(url.find("//") + 2, url.find('@') - url.find("//") - 2, role);
    const auto refused = stores::open_postgres(url, {.schema = schema});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("permission denied"), std::string::npos) << refused.error().what;
    ASSERT_TRUE(administrator.tell("create schema " + schema + " authorization " + role));
    {
        const auto store = open_store(url, {.schema = schema});
        EXPECT_TRUE(store->sink().publish(std::vector<jobs::new_job>(2, jobs::new_job{.kind = "kind"})));
    }
    ASSERT_TRUE(administrator.tell("drop owned by " + role));
    ASSERT_TRUE(administrator.tell("drop role " + role));
}

// The states' rules stand in the table too: a wrong program cannot break them.
TEST(postgres_schema, states_that_make_no_sense_are_refused_by_the_tables) {
    const std::string schema = fresh_schema();
    open_store(server::shared().url(), {.schema = schema});
    plain_connection by_hand(server::shared().url());
    const std::string job =
        "insert into " + schema +
        ".job (id, okey, run_at, inserted, priority, state, late, kind, queue, key, arguments, worker) "
        "values (nextval('" +
        schema + ".job_number'), 0, 0, 0, ";
    EXPECT_TRUE(by_hand.tell(job + "0, 2, false, 'k', 'q', '', '', null)"));
    EXPECT_FALSE(by_hand.tell(job + "0, 5, false, 'k', 'q', '', '', null)"));  // over
    EXPECT_FALSE(by_hand.tell(job + "0, 3, false, 'k', 'q', '', '', null)"));  // runs, and nobody runs it
    EXPECT_FALSE(by_hand.tell(job + "0, 2, false, 'k', 'q', '', '', 7)"));     // somebody runs it, and it does not
    EXPECT_FALSE(by_hand.tell(job + "0, 0, false, 'k', 'q', '', '', null)"));  // waits for nobody
    EXPECT_FALSE(by_hand.tell(job + "1000, 2, false, 'k', 'q', '', '', null)"));
}

}  // namespace
