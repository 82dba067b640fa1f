#pragma once
// Which jobs a worker gets, and in which order.

#include <vector>

#include "session.hpp"

namespace gm::stores::sqlite {

struct claimant {
    std::int64_t worker = 0;
    std::int64_t name = 0;            // its number
    std::vector<std::string> queues;  // they take turns,
    std::size_t turn = 0;             // beginning with this one
};

struct claims {
    std::vector<jobs::delivery> jobs;
    bool suspects = false;
    std::optional<std::chrono::microseconds> next_in;
};

// Makes jobs available whose time has come, of all queues; some thousands of each.
void promote_all(session& in);

claims claim(session& in, const claimant& who, const jobs::demand& wanted);

}  // namespace gm::stores::sqlite
