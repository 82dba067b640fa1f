// The version is written once, in version.hpp; these tests hold its four macros and the library together.
#include <gristmill/version.hpp>

#include <string>

#include <gtest/gtest.h>

namespace {

TEST(version, library_and_headers_of_one_build_agree) { EXPECT_STREQ(gm::version(), GRISTMILL_VERSION); }

TEST(version, string_is_made_of_the_three_numbers) {
    const std::string numbers = std::to_string(GRISTMILL_VERSION_MAJOR) + "." +
                                std::to_string(GRISTMILL_VERSION_MINOR) + "." + std::to_string(GRISTMILL_VERSION_PATCH);
    EXPECT_EQ(numbers, GRISTMILL_VERSION);
}

}  // namespace
