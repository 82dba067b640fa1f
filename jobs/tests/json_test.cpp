#include <gristmill/jobs/json.hpp>

#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace {

using gm::jobs::json;

std::string round(std::string_view text) {
    auto read = json::parse(text);
    return read ? read->text() : "! " + read.error().what;
}

TEST(json, text_to_value_and_back) {
    for (const char* const same :
         {"null", "true", "false", "0", "-0", "12", "-1.5e+30", "\"\"", "\"a b\"", "[]", "{}", "[1,[2,[]],{}]",
          R"({"b":1,"a":[null,true,"x"]})", "123456789012345678901234567890", "1.0", "\"\xc3\xa4\xf0\x9f\x92\xa9\""})
        EXPECT_EQ(round(same), same);
    EXPECT_EQ(round(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n"), R"({"a":[1,2]})");
    EXPECT_EQ(round(R"("\"\\\/\b\f\n\r\t\u0041\u00e4\ud83d\udca9\u0000")"),
              "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\tA\xc3\xa4\xf0\x9f\x92\xa9\\u0000\"");
}

TEST(json, what_is_no_json_is_refused_with_its_place) {
    const std::pair<const char*, const char*> wrong[] = {
        {"", "line 1, column 1: expected a value, and the text ends"},
        {"  \n x", "line 2, column 2: expected a value"},
        {"[1,]", "line 1, column 4: expected a value"},
        {"[1 2]", "line 1, column 4: expected ',' or ']'"},
        {"[1", "line 1, column 3: expected ',' or ']'"},
        {"{\"a\" 1}", "line 1, column 6: expected ':'"},
        {"{a:1}", "line 1, column 2: expected a name in quotes"},
        {"{\"a\":1,}", "line 1, column 8: expected a name in quotes"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}'"},
        {"{\"a\":1,\n\"a\":2}", "line 1, column 1: the name \"a\" comes twice in this object"},
        {"01", "line 1, column 2: a number has no leading zero"},
        {"1.", "line 1, column 3: expected a digit"},
        {"1e+", "line 1, column 4: expected a digit"},
        {"+1", "line 1, column 1: expected a value"},
        {"-", "line 1, column 1: expected a value"},
        {"NaN", "line 1, column 1: expected a value"},
        {"tru", "line 1, column 1: expected a value"},
        {"nullx", "line 1, column 5: nothing but white space may follow the value"},
        {"\"a", "line 1, column 3: the text ends inside of a string"},
        {"\"\n\"", "line 1, column 2: a control character in a string is written as \\u00.."},
        {"\"\\x\"", "line 1, column 2: no such escape"},
        {"\"\\u12g4\"", "line 1, column 4: expected four hexadecimal digits"},
        {"\"\\u-123\"", "line 1, column 4: expected four hexadecimal digits"},
        {"\"\\ud800\"", "line 1, column 8: half a surrogate pair"},
        {"\"\\udc00\"", "line 1, column 8: half a surrogate pair"},
        {"\"\\ud800\\u0041\"", "line 1, column 14: half a surrogate pair"},
        {"\"\xc0\x80\"", "line 1, column 2: this is not UTF-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: this is not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "line 1, column 2: this is not UTF-8"},
        {"\"\xff\"", "line 1, column 2: this is not UTF-8"},
        {"\xef\xbb\xbf{}", "line 1, column 1: expected a value"},
    };
    for (const auto& [text, why] : wrong) EXPECT_EQ(round(text), std::string("! ") + why) << text;
    EXPECT_EQ(round(std::string_view("1\0", 2)), "! line 1, column 2: nothing but white space may follow the value");
}

TEST(json, depth_is_bounded) {
    const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    EXPECT_EQ(round(nested(json::deepest)), nested(json::deepest));
    EXPECT_EQ(round(nested(json::deepest + 1)), "! line 1, column 65: nested too deeply");
    EXPECT_EQ(round(std::string(1'000'000, '[')).substr(0, 9), "! line 1,");
}

// An object of a hundred thousand names, made to hurt whoever compares each with each.
TEST(json, many_names_are_no_attack) {
    std::string text = "{";
    for (int i = 0; i != 100'000; ++i) text += "\"n" + std::to_string(i) + "\":0,";
    text.back() = '}';
    EXPECT_TRUE(json::parse(text));
}

TEST(json, numbers_in_their_types_or_not_at_all) {
    const auto number = [](std::string written) { return json::number{std::move(written)}; };
    EXPECT_EQ(to_int64(number("1e3")), 1000);
    EXPECT_EQ(to_int64(number("1.500e1")), 15);
    EXPECT_EQ(to_int64(number("-0")), 0);
    EXPECT_EQ(to_int64(number("0e99999999999999999999")), 0);
    EXPECT_EQ(to_int64(number("9223372036854775807")), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(to_int64(number("-9223372036854775808")), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(to_uint64(number("18446744073709551615")), std::numeric_limits<std::uint64_t>::max());
    for (const char* const none :
         {"1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e999999999999"})
        EXPECT_EQ(to_int64(number(none)), std::nullopt) << none;
    for (const char* const none : {"-1", "18446744073709551616", "1e20"})
        EXPECT_EQ(to_uint64(number(none)), std::nullopt) << none;
    EXPECT_EQ(to_double(number("0.1")), 0.1);
    EXPECT_EQ(to_double(number("1e-400")), 0.0);
    EXPECT_EQ(to_double(number("1e400")), std::nullopt);
    EXPECT_EQ(to_double(number("-1e400")), std::nullopt);
    EXPECT_EQ(json(0.1).text(), "0.1");
    EXPECT_EQ(json(std::numeric_limits<double>::infinity()).text(), "null");
    EXPECT_EQ(json(-7).text(), "-7");
}

// Any bytes: refused, or a value whose text reads as the same value again.
TEST(json, noise_is_refused_or_survives_a_round) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    SCOPED_TRACE(seed);
    std::mt19937 dice(seed);
    const std::string_view alphabet = "{}[]\",:0123456789.eE+-truefalsn\\u \n\xc3\xa4\x80\xff";
    int good = 0;
    for (int i = 0; i != 200'000; ++i) {
        std::string text(dice() % 12, ' ');
        for (char& c : text) c = alphabet[dice() % alphabet.size()];
        if (auto read = json::parse(text)) {
            ++good;
            auto again = json::parse(read->text());
            ASSERT_TRUE(again) << text;
            ASSERT_EQ(*again, *read) << text;
        }
    }
    EXPECT_GT(good, 100);
}

}  // namespace
