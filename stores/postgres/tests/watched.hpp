#pragma once
// A store on a schema of its own, and a plain connection beside it that looks at the tables.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server.hpp"

namespace gm::test {

class watched : public ::testing::Test {
protected:
    const std::string schema = fresh_schema();
    plain_connection look{server::shared().url()};
    const std::unique_ptr<jobs::store> store = open_store(server::shared().url(), {.schema = schema});

    watched() { EXPECT_TRUE(look.tell("set search_path = " + schema)); }

    // As many as there are, up to so many, for idle workers.
    static std::vector<jobs::delivery> claim(jobs::source& by, std::size_t most) {
        auto got = by.exchange({}, {.idle = most});
        EXPECT_TRUE(got) << got.error().what;
        return got ? std::move(got->jobs) : std::vector<jobs::delivery>{};
    }
};

}  // namespace gm::test
