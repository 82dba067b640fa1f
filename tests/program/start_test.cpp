// What every start of the program costs.
#include "program_helpers.hpp"

namespace {

using namespace program_tests;

// libpq and the 21 libraries that come with it take longer to load than all the rest of `gristmill --help`.
TEST(start, loads_no_libpq_before_somebody_wants_postgresql) {
    const answer it = running({"env", "LD_TRACE_LOADED_OBJECTS=1", GRISTMILL_PROGRAM}).wait();
    EXPECT_NE(it.output.find("libsqlite3"), std::string::npos) << it.output;
    EXPECT_EQ(it.output.find("libpq"), std::string::npos) << it.output;
}

TEST(start, postgresql_is_found_when_it_is_wanted) {
    const answer it = running({GRISTMILL_PROGRAM, "ls", "--store", "postgres://nobody@127.0.0.1:1/nothing"}).wait();
    EXPECT_NE(it.status, 0);
    EXPECT_NE(it.errors.find("Connection refused"), std::string::npos) << it.errors;
}

}  // namespace
