#include <gristmill/jobs/near.hpp>

#include <array>

#include <gtest/gtest.h>

namespace {

using gm::jobs::did_you_mean;
using gm::jobs::near_to;

constexpr std::array<std::string_view, 8> names{"lease",         "sync", "pool",          "notify_url",
                                                "Europe/Berlin", "UTC",  "Europe/Dublin", "least"};

TEST(near, few_slips_are_forgiven) {
    EXPECT_EQ(did_you_mean("leas", names), ": did you mean 'lease' or 'least'?");
    EXPECT_EQ(did_you_mean("snyc", names), ": did you mean 'sync'?");  // a swap is one slip
    EXPECT_EQ(did_you_mean("SYNC", names), ": did you mean 'sync'?");
    EXPECT_EQ(did_you_mean("notifyurl", names), ": did you mean 'notify_url'?");
    EXPECT_EQ(did_you_mean("utc", names), ": did you mean 'UTC'?");
}

TEST(near, the_last_part_of_a_path_is_enough) {
    EXPECT_EQ(near_to("berlin", names, 1).at(0), "Europe/Berlin");
    EXPECT_EQ(near_to("Europe/Brelin", names, 1).at(0), "Europe/Berlin");
}

TEST(near, nothing_is_near_to_what_is_quite_different) {
    EXPECT_EQ(did_you_mean("timeout", names), "");
    EXPECT_EQ(did_you_mean("", names), "");
    EXPECT_EQ(did_you_mean("x", names), "");
    EXPECT_EQ(did_you_mean(std::string(10'000, 'l'), names), "");
    EXPECT_EQ(did_you_mean("sync", {}), "");
}

TEST(near, gives_as_many_as_asked_the_nearest_first) {
    constexpr std::array<std::string_view, 5> many{"aaaabb", "aaaaab", "aaaaaa", "aaaaac", "zzzzzz"};
    EXPECT_EQ(near_to("aaaaaa", many, 2), (std::vector<std::string_view>{"aaaaaa", "aaaaab"}));
    EXPECT_EQ(near_to("aaaaaa", many, 9).size(), 4U);
    EXPECT_EQ(near_to("aaaaaa", many, 0).size(), 0U);
}

}  // namespace
