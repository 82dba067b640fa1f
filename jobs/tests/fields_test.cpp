#include <gristmill/jobs/fields.hpp>

#include <gtest/gtest.h>

namespace {

using gm::jobs::json;

struct point {
    double x = 0, y = 0;
    static constexpr auto fields = gm::jobs::fields("x", &point::x, "y", &point::y);
    bool operator==(const point&) const = default;
};

struct everything {
    bool on = false;
    std::int8_t small = 0;
    std::uint64_t large = 0;
    double ratio = 0;
    std::string name;
    std::optional<std::string> note;
    std::vector<point> points;
    std::vector<bool> flags;
    std::map<std::string, int> counts;
    json rest;
    static constexpr auto fields = gm::jobs::fields(
        "on", &everything::on, "small", &everything::small, "large", &everything::large, "ratio", &everything::ratio,
        "name", &everything::name, "note", &everything::note, "points", &everything::points, "flags",
        &everything::flags, "counts", &everything::counts, "rest", &everything::rest);
    bool operator==(const everything&) const = default;
};

template <class T>
std::string wrong(std::string_view text, gm::jobs::unknown_fields others = gm::jobs::unknown_fields::refuse) {
    auto made = gm::jobs::decode<T>(json::parse(text).value(), others);
    return made ? "fine" : made.error().path + ": " + made.error().what;
}

TEST(fields, all_types_go_both_ways) {
    const everything one{.on = true,
                         .small = -128,
                         .large = ~std::uint64_t{0},
                         .ratio = 0.1,
                         .name = "a\0b",
                         .note = "n",
                         .points = {{1, 2}, {-0.5, 1e300}},
                         .flags = {true, false},
                         .counts = {{"a", 1}, {"b", -2}},
                         .rest = json::parse(R"([1,{"x":null}])").value()};
    const json written = gm::jobs::encode(one);
    EXPECT_EQ(gm::jobs::decode<everything>(json::parse(written.text()).value()).value(), one);
    const everything plain{};
    const json less = gm::jobs::encode(plain);
    EXPECT_EQ(less.find("note"), nullptr);
    EXPECT_EQ(gm::jobs::decode<everything>(less).value(), plain);
}

TEST(fields, what_does_not_fit_is_refused_with_its_path) {
    EXPECT_EQ(wrong<point>("[1]"), "$: expected an object, got a list");
    EXPECT_EQ(wrong<point>(R"({"x":1})"), "$.y: missing");
    EXPECT_EQ(wrong<point>(R"({"x":1,"y":null})"), "$.y: expected a number, got null");
    EXPECT_EQ(wrong<point>(R"({"x":1,"y":1e999})"), "$.y: 1e999 is too large for a double");
    EXPECT_EQ(wrong<point>(R"({"x":1,"y":2,"z":3})"), "$.z: no such field");
    EXPECT_EQ(wrong<point>(R"({"x":1,"y":2,"z":3})", gm::jobs::unknown_fields::ignore), "fine");
}

struct deep {
    std::vector<point> list;
    std::map<std::string, std::int8_t> by_name;
    static constexpr auto fields = gm::jobs::fields("list", &deep::list, "by_name", &deep::by_name);
};

TEST(fields, the_path_leads_through_lists_and_maps) {
    EXPECT_EQ(wrong<deep>(R"({"list":[{"x":1,"y":2},{"x":"1","y":2}],"by_name":{}})"),
              "$.list[1].x: expected a number, got a string");
    EXPECT_EQ(wrong<deep>(R"({"list":[],"by_name":{"a":128}})"), "$.by_name.a: 128 is not in -128 to 127");
    EXPECT_EQ(wrong<deep>(R"({"list":[],"by_name":{"a":-129}})"), "$.by_name.a: -129 is not in -128 to 127");
    EXPECT_EQ(wrong<deep>(R"({"list":[],"by_name":{"a":1.5}})"), "$.by_name.a: expected an integer, got 1.5");
    EXPECT_EQ(wrong<deep>(R"({"list":[],"by_name":{"a":true}})"),
              "$.by_name.a: expected an integer, got true or false");
    EXPECT_EQ(wrong<deep>(R"({"list":{},"by_name":{}})"), "$.list: expected a list, got an object");
}

struct range {
    int from = 0, to = 0;
    static constexpr auto fields = gm::jobs::fields("from", &range::from, "to", &range::to);
    bool valid(std::string& why) const {
        if (from <= to) return true;
        why = "from is after to";
        return false;
    }
};

TEST(fields, a_struct_has_the_last_word) {
    EXPECT_EQ(wrong<range>(R"({"from":1,"to":2})"), "fine");
    EXPECT_EQ(wrong<range>(R"({"from":3,"to":2})"), "$: from is after to");
    EXPECT_EQ(wrong<std::vector<range>>(R"([{"from":1,"to":2},{"from":3,"to":2}])"), "$[1]: from is after to");
}

struct nothing {
    static constexpr auto fields = gm::jobs::fields();
};

TEST(fields, a_struct_without_fields_is_an_empty_object) {
    EXPECT_EQ(gm::jobs::encode(nothing{}).text(), "{}");
    EXPECT_EQ(wrong<nothing>("{}"), "fine");
    EXPECT_EQ(wrong<nothing>(R"({"a":1})"), "$.a: no such field");
}

}  // namespace
