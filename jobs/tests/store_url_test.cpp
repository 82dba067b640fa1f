#include <gristmill/jobs/store_url.hpp>

#include <cstdio>
#include <random>

#include <gtest/gtest.h>

namespace {

using gm::jobs::option_reader;
using gm::jobs::store_fault;
using gm::jobs::store_url;
using namespace std::chrono;

store_url url(std::string_view text) {
    auto read = store_url::parse(text);
    EXPECT_TRUE(read) << text << ": " << read.error().what;
    return *std::move(read);
}
std::string error(std::string_view text) {
    const auto read = store_url::parse(text);
    EXPECT_FALSE(read) << text;
    if (read) return "";
    EXPECT_EQ(read.error().fault, store_fault::invalid);
    return read.error().what;
}

TEST(store_url, has_a_scheme_a_place_and_options) {
    const store_url work = url("SQLite:work%20of%20today.db?sync=normal&&patience=5s&create");
    EXPECT_EQ(work.scheme(), "sqlite");
    EXPECT_EQ(work.written_place(), "work%20of%20today.db");
    EXPECT_EQ(work.path(), "work of today.db");
    ASSERT_EQ(work.options().size(), 3U);
    EXPECT_EQ(work.find("sync")->value, "normal");
    EXPECT_EQ(work.find("create")->value, "yes");
    EXPECT_EQ(work.find("lease"), nullptr);
    EXPECT_EQ(work.shown(), "sqlite:work%20of%20today.db?sync=normal&patience=5s&create=yes");
    EXPECT_EQ(url("sqlite:/var/lib/work.db").path(), "/var/lib/work.db");
    EXPECT_EQ(url("sqlite:///var/lib/work.db").path(), "/var/lib/work.db");
    EXPECT_EQ(url("memory:").path(), "");
    EXPECT_EQ(url("memory:").shown(), "memory:");
    EXPECT_EQ(url("sqlite:a?user=%26%3D").find("user")->value, "&=");
}

TEST(store_url, what_is_none_is_not_quoted) {
    for (const char* text :
         {"", "work.db", ":", ":x", "1sqlite:x", "my store:x", "user@host:secret", "//user:secret@host"})
        EXPECT_EQ(error(text), "this is no URL of a store: it begins with a scheme and a colon, as in sqlite:work.db")
            << text;
    EXPECT_EQ(error("sqlite:a?sync=full&sync=full"), "sqlite: option 'sync' is there twice");
    EXPECT_EQ(error("sqlite:a?=full"), "sqlite: the name of an option has small letters, digits and _ alone");
    EXPECT_EQ(error("sqlite:a?sync=%zz"),
              "sqlite: option 'sync': a % is followed by two hexadecimal digits, and not by 00");
    for (const char* text : {"sqlite:100%", "sqlite:%2", "sqlite:%00", "sqlite:%g0", "sqlite:a?%=b", "sqlite:a?b=%00"})
        EXPECT_FALSE(store_url::parse(text)) << text;
    EXPECT_FALSE(store_url::parse(std::string_view("sqlite:a\0b", 10)));
}

TEST(store_url, passwords_are_shown_nowhere) {
    EXPECT_EQ(url("postgres://worker:hunter2@db/app?sslmode=require").shown(),
              "postgres://worker@db/app?sslmode=require");
    EXPECT_EQ(url("postgres://worker:hunter2@db:5432").shown(), "postgres://worker@db:5432");
    EXPECT_EQ(url("postgres://worker:hunt@er2@db/app").shown(), "postgres://worker@db/app");
    EXPECT_EQ(url("postgres://worker:hunt/er2@db/app").shown(), "postgres://worker@db/app");
    EXPECT_EQ(url("postgres://worker@db/app").shown(), "postgres://worker@db/app");
    EXPECT_EQ(url("postgres://db:5432/app").shown(), "postgres://db:5432/app");
    EXPECT_EQ(url("postgres://db/app?password=hunter2&sslpassword=x").shown(),
              "postgres://db/app?password=***&sslpassword=***");
    for (const char* text : {"postgres://worker:hunt?er2@db/app", "postgres://worker:hunt?er2=x@db",
                             "postgres://worker:hunter2%@db", "postgres://worker:hunter2@db?hunter2@x"})
        EXPECT_EQ(error(text).find("hunt"), std::string::npos) << error(text);
}

TEST(store_url, options_are_read_by_type_and_the_first_fault_is_told) {
    const store_url given = url("sqlite:a?create=no&patience=1500us&arguments=1M&sync=normal");
    bool create = true, migrate = true;
    milliseconds patience(0);
    gm::jobs::size_limits limits;
    int sync = 0;
    option_reader read(given);
    read.flag("create", create);
    read.flag("migrate", migrate);
    read.duration("patience", patience);
    read.limits(limits);
    read.choice("sync", sync, {{"full", 1}, {"normal", 2}});
    EXPECT_FALSE(read.error());
    EXPECT_FALSE(create);
    EXPECT_TRUE(migrate);
    EXPECT_EQ(patience, milliseconds(2));  // never shorter than what was asked for
    EXPECT_EQ(limits.arguments, 1024U * 1024);
    EXPECT_EQ(limits.result, gm::jobs::size_limits().result);
    EXPECT_EQ(sync, 2);

    const store_url wrong = url("sqlite:a?create=maybe&patience=long&log=big&sync=nromal");
    const auto fault = [&](auto&& reads) {
        option_reader reader(wrong);
        reads(reader);
        return reader.error() ? reader.error()->what : "";
    };
    EXPECT_EQ(fault([&](option_reader& r) { r.flag("create", create); }),
              "sqlite: option 'create': is one of yes, no, and not 'maybe'");
    EXPECT_EQ(fault([&](option_reader& r) { r.duration("patience", patience); }),
              "sqlite: option 'patience': 'long' is no duration, as 1h30m or 250ms is");
    EXPECT_EQ(fault([&](option_reader& r) { r.limits(limits); }),
              "sqlite: option 'log': 'big' is no size, as 64k or 10MB is");
    EXPECT_EQ(fault([&](option_reader& r) { r.choice("sync", sync, {{"full", 1}, {"normal", 2}}); }),
              "sqlite: option 'sync': is one of full, normal, and not 'nromal': did you mean 'normal'?");
    EXPECT_EQ(fault([&](option_reader& r) {
                  r.limits(limits);
                  r.flag("create", create);
              }),
              "sqlite: option 'log': 'big' is no size, as 64k or 10MB is");
    EXPECT_EQ(sync, 2) << "what is wrong changes nothing";
}

TEST(store_url, what_is_shown_reads_as_the_same_and_any_text_gets_an_answer) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    SCOPED_TRACE(seed);
    std::mt19937_64 dice(seed);
    constexpr std::string_view letters = "ab:/?&=%%%2045@.#+ \x01\xc3";
    int understood = 0;
    for (int round = 0; round != 50'000; ++round) {
        std::string text = round % 4 == 0 ? "" : "s:";
        for (auto length = dice() % 24; length != 0; --length) text += letters[dice() % letters.size()];
        const auto read = store_url::parse(text);
        if (!read) continue;
        ++understood;
        const auto again = store_url::parse(read->shown());
        ASSERT_TRUE(again) << text;
        ASSERT_EQ(again->shown(), read->shown()) << text;
        if (text.find('@') == std::string::npos) {
            ASSERT_EQ(again->path(), read->path()) << text;
        }
    }
    EXPECT_GT(understood, 1000);
}

}  // namespace
