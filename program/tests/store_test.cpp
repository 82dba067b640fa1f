#include <gtest/gtest.h>

#include "program/store/open.hpp"

namespace {

using namespace gm::program;

TEST(store_urls, a_missing_file_is_not_made_unless_that_is_wanted) {
    EXPECT_EQ(with("sqlite:a.db", if_missing::refuse), "sqlite:a.db?create=no");
    EXPECT_EQ(with("sqlite:a.db?sync=normal", if_missing::refuse), "sqlite:a.db?sync=normal&create=no");
    EXPECT_EQ(with("sqlite:a.db?create=yes", if_missing::refuse), "sqlite:a.db?create=yes");
    EXPECT_EQ(with("sqlite:a.db", if_missing::make), "sqlite:a.db");
    EXPECT_EQ(with("postgres://db/app", if_missing::refuse), "postgres://db/app");
}

// doctor and migrate --check changed what they were to look at, if the URL said migrate=yes.
TEST(store_urls, looking_changes_nothing_whatever_they_say) {
    EXPECT_EQ(unchanged("sqlite:a.db"), "sqlite:a.db?create=no&migrate=no");
    EXPECT_EQ(unchanged("sqlite:a.db?migrate=yes&sync=normal&create=yes"),
              "sqlite:a.db?sync=normal&create=no&migrate=no");
    EXPECT_EQ(unchanged("postgres://a@db/app?migrate=yes"), "postgres://a@db/app?migrate=no");
    EXPECT_EQ(unchanged("memory:"), "memory:");
    EXPECT_EQ(unchanged("no url"), "no url");
}

}  // namespace
