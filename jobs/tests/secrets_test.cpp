// Secrets in arguments: the handler has the value, and nobody else.
#include <gristmill/jobs/secrets.hpp>

#include <cstdlib>

#include "workshop.hpp"

namespace {

using namespace gm::jobs;
using namespace gm::test;
using gm::failure;
using gm::result;

struct mail_args {
    std::string to, password;
    static constexpr auto fields = gm::jobs::fields("to", &mail_args::to, "password", &mail_args::password);
};

const body mail{R"({"to":"a@b.c","password":{"$env":"GM_TEST_PASSWORD"}})", {}};
constexpr const char* value = "hunter2\"\\\n";

struct variable {
    explicit variable(const char* text) { ::setenv("GM_TEST_PASSWORD", text, 1); }
    ~variable() { ::unsetenv("GM_TEST_PASSWORD"); }
};

result<std::string, std::string> in_brackets(const std::string& name) {
    if (name == "none") return failure(std::string("no such name"));
    return "<" + name + ">";
}
std::string replaced(const std::string& text) {
    const auto made = with_secrets({text, {}}, in_brackets);
    return made ? made->bytes : "! " + made.error();
}

TEST(secrets, references_are_replaced_wherever_they_stand) {
    EXPECT_EQ(replaced(R"({"$env":"a"})"), R"("<a>")");
    EXPECT_EQ(replaced(R"({"x":[1e400,{"y":{"$env":"a"}},{"$env":"b"}],"z":{}})"),
              R"({"x":[1e400,{"y":"<a>"},"<b>"],"z":{}})");
    EXPECT_EQ(replaced(R"({"$env":"none"})"), "! no such name");
    EXPECT_EQ(replaced(R"({"a":"$env"})"), R"({"a":"$env"})");
    // What a reference gives is data: it is not looked into again.
    EXPECT_EQ(with_secrets({R"([{"$env":"a"}])", {}},
                           [](const std::string&) { return result<std::string, std::string>(R"({"$env":"b"})"); })
                  ->bytes,
              R"(["{\"$env\":\"b\"}"])");
}

TEST(secrets, what_is_no_reference_is_refused_or_left_alone) {
    for (const char* const text : {R"({"$env":"a","b":1})", R"({"$env":1})", R"([{"x":{"$env":{"$env":"a"}}}])"})
        EXPECT_TRUE(replaced(text).starts_with("! an object with \"$env\"")) << replaced(text);
    EXPECT_EQ(replaced(R"({"$env":)"), R"({"$env":)") << "no JSON: whoever reads it says so";
    const body image{R"({"$env":"a"})", "image/gif"};
    EXPECT_EQ(*with_secrets(image, in_brackets), image);
}

TEST(secrets, handler_has_the_value_and_the_store_the_reference) {
    const variable set(value);
    on_virtual_time([] {
        workshop shop({.env_secrets = {"GM_TEST_PASSWORD"}});
        std::string typed, bytes;
        shop.kinds.add<mail_args>("typed", [&](const mail_args& args) { typed = args.password; });
        shop.kinds.add("bytes", [&](const body&, attempt& self) { bytes = self.arguments().bytes; });
        shop.run();
        for (const char* const kind : {"typed", "bytes"}) {
            const record end = shop.end_of(shop.put(kind, mail));
            EXPECT_EQ(end.state, state::completed);
            EXPECT_EQ(end.arguments, mail);
        }
        EXPECT_EQ(typed, value);
        EXPECT_EQ(bytes, R"({"to":"a@b.c","password":"hunter2\"\\\n"})");
    });
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS
TEST(secrets, coroutine_has_the_value_too) {
    const variable set(value);
    on_virtual_time([] {
        workshop shop({.env_secrets = {"GM_TEST_PASSWORD"}});
        std::string seen;
        shop.kinds.add<mail_args>("mail", [&](mail_args args) -> gm::task<> {
            seen = args.password;
            co_return;
        });
        shop.run();
        EXPECT_EQ(shop.end_of(shop.put("mail", mail)).state, state::completed);
        EXPECT_EQ(seen, value);
    });
}
#endif

TEST(secrets, variable_that_is_not_given_out_or_not_set_is_a_dead_job_that_names_it) {
    const auto error_with = [](runner_options options) {
        std::string error;
        on_virtual_time(
            [&] {
                workshop shop(options);
                shop.kinds.add<mail_args>("mail", [](const mail_args&) { ADD_FAILURE(); });
                shop.run();
                const record end = shop.end_of(shop.put("mail", mail));
                EXPECT_EQ(end.state, state::dead);
                EXPECT_EQ(end.attempts, 1);
                error = end.errors.at(0).error;
            },
            1);
        return error;
    };
    const runner_options allowed{.env_secrets = {"GM_TEST_PASSWORD"}};
    EXPECT_EQ(error_with(allowed), "arguments: the variable 'GM_TEST_PASSWORD' is not set where this worker runs");
    const variable set("\xff");
    EXPECT_EQ(error_with({}), "arguments: this worker does not give out its variable 'GM_TEST_PASSWORD'");
    EXPECT_EQ(error_with({.env_secrets = {"HOME"}}), error_with({}));
    EXPECT_EQ(error_with(allowed), "arguments: the variable 'GM_TEST_PASSWORD' of this worker is no UTF-8");
}

TEST(secrets, what_a_handler_says_does_not_have_them) {
    const variable set("hunter2");
    on_virtual_time([] {
        workshop shop({.env_secrets = {"GM_TEST_PASSWORD"}});
        shop.kinds.add<mail_args>("mail", [](const mail_args& args, attempt& self) {
            self.log("login with " + args.password);
            self.progress(0.5, "as " + args.password + args.password);
            throw give_up("refused: " + args.password);
        });
        shop.run();
        const record end = shop.end_of(shop.put("mail", mail));
        EXPECT_EQ(end.errors.at(0).error, "refused: [$GM_TEST_PASSWORD]");
        EXPECT_EQ(end.note, "as [$GM_TEST_PASSWORD][$GM_TEST_PASSWORD]");
        EXPECT_EQ(shop.store->ledger()->logs(end.id)->at(0).text, "login with [$GM_TEST_PASSWORD]\n");
    });
}

TEST(secrets, references_pass_the_check_at_insert) {
    workshop shop;
    shop.kinds.add<mail_args>("mail", [](const mail_args&) {});
    gm::jobs::client checked(*shop.store, shop.kinds);
    EXPECT_TRUE(checked.insert({.kind = "mail", .arguments = mail}));
    EXPECT_FALSE(checked.insert({.kind = "mail", .arguments = {R"({"to":{"$env":"A"},"password":{"$env":1}})", {}}}));
}

}  // namespace
