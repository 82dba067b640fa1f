// Inserts that do not go by the store: in the application's own transaction, and in plain SQL.

#include <gtest/gtest.h>

#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

class postgres_insert : public ::testing::Test {
protected:
    const std::string& url = server::shared().url();
    const std::string schema = fresh_schema();
    std::unique_ptr<jobs::store> store = open_store(url, {.schema = schema});
    plain_connection application{url};

    std::uint64_t count() { return store->ledger()->count({}).value(); }
};

TEST_F(postgres_insert, is_there_only_if_the_callers_transaction_commits) {
    const std::vector<jobs::new_job> two(2, jobs::new_job{.kind = "mail"});
    ASSERT_TRUE(application.tell("begin"));
    ASSERT_TRUE(stores::insert_postgres(application.raw(), two, schema));
    EXPECT_EQ(count(), 0u);
    ASSERT_TRUE(application.tell("rollback"));
    EXPECT_EQ(count(), 0u);

    ASSERT_TRUE(application.tell("begin"));
    const auto made = stores::insert_postgres(application.raw(), two, schema);
    ASSERT_TRUE(made) << made.error().what;
    ASSERT_TRUE(application.tell("commit"));
    EXPECT_EQ(count(), 2u);
    EXPECT_EQ(store->ledger()->find(made->front().id).value()->kind, "mail");
    EXPECT_EQ(application.ask("show search_path"), "\"$user\", public");
}

TEST_F(postgres_insert, of_many_without_a_transaction_is_all_or_nothing) {
    std::vector<jobs::new_job> many(5000, jobs::new_job{.kind = "mail"});
    many.back().after = {{123456789}};  // is not there
    const auto made = stores::insert_postgres(application.raw(), many, schema);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, jobs::store_fault::invalid) << made.error().what;
    EXPECT_EQ(count(), 0u);
    many.back().after.clear();
    EXPECT_TRUE(stores::insert_postgres(application.raw(), many, schema));
    EXPECT_EQ(count(), 5000u);
}

TEST_F(postgres_insert, in_plain_sql_makes_the_same_job) {
    const std::string id = application.ask("select " + schema + R"(.insert('mail', '{"to": "ann"}', queue => 'letters',
        key => 'customer 7', priority => 3, tags => '{red,green}', timeout => '90 seconds', unique_key => 'ann'))");
    const auto job = store->ledger()->find({std::stoll(id)}).value().value();
    EXPECT_EQ(job.kind, "mail");
    EXPECT_EQ(job.arguments.bytes, R"({"to": "ann"})");
    EXPECT_EQ(job.queue, "letters");
    EXPECT_EQ(job.key, "customer 7");
    EXPECT_EQ(job.priority, 3);
    EXPECT_EQ(job.tags, (std::vector<std::string>{"red", "green"}));
    EXPECT_EQ(job.timeout, std::chrono::seconds(90));
    EXPECT_EQ(job.state, jobs::state::available);
    // The key is taken: the id of who has it.
    EXPECT_EQ(application.ask("select " + schema + ".insert('mail', unique_key => 'ann')"), id);
    const std::string later =
        application.ask("select " + schema + ".insert('mail', run_at => now() + interval '1 hour')");
    EXPECT_EQ(store->ledger()->find({std::stoll(later)}).value()->state, jobs::state::scheduled);
    const std::string child = application.ask("select " + schema + ".insert('mail', after => array[" + id + "])");
    EXPECT_EQ(store->ledger()->find({std::stoll(child)}).value()->state, jobs::state::waiting);
}

TEST_F(postgres_insert, in_plain_sql_refuses_what_makes_no_sense) {
    for (const char* const wrong :
         {"''", "null", "'k', null", "'k', queue => ''", "'k', key => null", "'k', priority => 101",
          "'k', priority => null", "'k', tags => '{\"\"}'", "'k', timeout => '-1 second'", "'k', unique_key => ''",
          "'k', after => '{99999999}'", "'k', orphaned => 'adopt'", "E'line\\nbreak'"})
        EXPECT_FALSE(application.tell("select " + schema + ".insert(" + wrong + ")")) << wrong;
    EXPECT_EQ(count(), 0u);
}

TEST_F(postgres_insert, role_that_may_enqueue_may_do_nothing_else) {
    const std::string role = schema + "_app";
    ASSERT_TRUE(application.tell("create role " + role));
    ASSERT_TRUE(application.tell("grant " + schema + "_enqueue to " + role));
    ASSERT_TRUE(application.tell("set role " + role));
    // A search path and a function of one's own do not reach into it.
    ASSERT_TRUE(application.tell("set search_path to pg_temp"));
    ASSERT_TRUE(application.tell("create temp table job (id bigint)"));
    EXPECT_TRUE(application.tell("select " + schema + ".insert('mail')"));
    for (const char* const wrong :
         {"select * from %.job", "delete from %.job", "select %.cancel('{1}', null)",
          "select %.put(false, '{1}', '{k}', '{q}', '{k}', '{0}', '{0}', '{a}', null, null, null, null, "
          "null, null, null, null, null)",
          "update %.setting set dead_for = 0", "select * from %.claim(1, '{default}', '{0}', 1, 0, false)",
          "select * from %.hand_out(1, '{default}', '{0}', 1, 0, false)"}) {
        std::string sql = wrong;
        sql.replace(sql.find('%'), 1, schema);
        EXPECT_FALSE(application.tell(sql)) << sql;
    }
    EXPECT_EQ(count(), 1u);
    ASSERT_TRUE(application.tell("reset role"));
}

// It was passed over, and told as accepted: a job was gone without a word. As after a return to an older state of the server.
TEST_F(postgres_insert, whose_number_is_taken_is_an_error) {
    const std::vector<jobs::new_job> two(2, jobs::new_job{.kind = "mail"});
    ASSERT_TRUE(store->sink().publish(two));
    ASSERT_TRUE(application.tell("alter sequence " + schema + ".job_number restart"));
    const auto another = open_store(url, {.schema = schema});
    EXPECT_FALSE(another->sink().publish(two));
    EXPECT_EQ(count(), 2u);
}

}  // namespace
