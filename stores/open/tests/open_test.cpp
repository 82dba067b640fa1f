#include <gristmill/stores/open.hpp>

#include <algorithm>
#include <array>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace gm::jobs;

// Tells what it was asked to open.
gm::result<std::unique_ptr<store>, store_error> tell(const store_url& url) {
    return gm::failure(store_error{store_fault::refused, url.shown()});
}
constexpr feature_table nothing{};
constexpr std::array<std::string_view, 2> rock_schemes{"rock", "stone"};
constexpr std::array<std::string_view, 1> sand_schemes{"sand"};
constexpr driver::option rock_options[]{{"sync", ""}, {"patience", ""}, {"password", ""}};
constexpr driver rock{"rock", "rock:PATH", "", rock_schemes, rock_options, nothing, tell};
constexpr driver sand{"sand", "sand:", "", sand_schemes, {}, nothing, tell};
constexpr const driver* both[]{&rock, &sand};

store_error error_of(std::string_view url, std::span<const driver* const> among = both) {
    const auto opened = gm::stores::open(url, among);
    EXPECT_FALSE(opened) << url;
    return opened ? store_error{} : opened.error();
}

TEST(open, a_scheme_finds_its_store) {
    EXPECT_EQ(error_of("rock:a/b?sync=full").what, "rock:a/b?sync=full");
    EXPECT_EQ(error_of("STONE:a").what, "stone:a");
    EXPECT_EQ(error_of("sand:").what, "sand:");
    EXPECT_EQ(error_of("sand:").fault, store_fault::refused) << "the store's own answer";
}

TEST(open, an_unknown_scheme_is_told_which_there_are) {
    EXPECT_EQ(error_of("rok:a").fault, store_fault::invalid);
    EXPECT_EQ(
        error_of("rok:a").what,
        "no store of this program has URLs that begin with 'rok:': did you mean 'rock'?; there are: rock:PATH, sand:");
    EXPECT_EQ(error_of("mysql://me:secret@db").what,
              "no store of this program has URLs that begin with 'mysql:'; there are: rock:PATH, sand:");
    EXPECT_EQ(error_of("rock:a", {}).what,
              "no store of this program has URLs that begin with 'rock:'; there are: none");
}

TEST(open, an_unknown_option_is_refused_with_the_near_one) {
    EXPECT_EQ(error_of("rock:a?snyc=full").fault, store_fault::invalid);
    EXPECT_EQ(error_of("rock:a?sync=full&patiense=5s").what,
              "rock: there is no option 'patiense': did you mean 'patience'?; there are: sync, patience, password");
    EXPECT_EQ(error_of("sand:?sync").what, "sand: there is no option 'sync'; there are: none");
}

TEST(open, no_error_shows_a_password) {
    for (const char* url :
         {"rock://me:secret@host/a", "rock://host?password=secret", "work.db:secret@", "rock://me:secret@host?x=1",
          "roc://me:secret@host", "rock:a?password=secret&password=secret", "rock://me:se?cret@host"})
        EXPECT_EQ(error_of(url).what.find("cret"), std::string::npos) << error_of(url).what;
}

TEST(open, what_was_built_in_is_described) {
    for (const driver* each : gm::stores::drivers()) {
        SCOPED_TRACE(each->name);
        EXPECT_FALSE(each->purpose.empty());
        ASSERT_FALSE(each->schemes.empty());
        EXPECT_TRUE(std::ranges::any_of(each->schemes,
                                        [&](std::string_view scheme) { return each->form.starts_with(scheme); }));
        for (const std::string_view scheme : each->schemes) {
            const auto owner = std::ranges::count_if(gm::stores::drivers(), [&](const driver* other) {
                return std::ranges::find(other->schemes, scheme) != other->schemes.end();
            });
            EXPECT_EQ(owner, 1) << scheme;
        }
        for (const driver::option& option : each->options) EXPECT_FALSE(option.meaning.empty()) << option.name;
        for (const supported& one : each->can) EXPECT_TRUE(one.how != support::partly || !one.note.empty());
    }
}

bool is_built_in(std::string_view name) {
    return std::ranges::any_of(gm::stores::drivers(), [&](const driver* each) { return each->name == name; });
}

TEST(open, memory) {
    if (!is_built_in("memory")) GTEST_SKIP() << "built without it";
    auto opened = gm::stores::open("memory:?arguments=1k&keep=1h");
    ASSERT_TRUE(opened) << opened.error().what;
    EXPECT_EQ((*opened)->name(), "memory:");
    EXPECT_TRUE(
        (*opened)->sink().publish(std::array{new_job{.kind = "a", .arguments = {std::string(1024, 'x'), "text"}}}));
    EXPECT_FALSE(
        (*opened)->sink().publish(std::array{new_job{.kind = "a", .arguments = {std::string(1025, 'x'), "text"}}}));
    EXPECT_FALSE(gm::stores::open("memory:work"));
    EXPECT_EQ(error_of("memory:?keep=long", gm::stores::drivers()).what,
              "memory: option 'keep': 'long' is no duration, as 1h30m or 250ms is");
    const auto memory = std::ranges::find(gm::stores::drivers(), "memory", &driver::name);
    for (const driver::option& option : (*memory)->options)
        EXPECT_FALSE(gm::stores::open("memory:?" + std::string(option.name) + "=x")) << option.name << " is not read";
}

}  // namespace
