#pragma once
// What is new in the logs of a job since they were read last. A store keeps the first and the last half of a long log; what fell out
// between two looks is told as a count.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

namespace gm::program {

struct log_piece {
    std::int64_t epoch = 0;
    bool first = false;          // of its attempt
    std::uint64_t left_out = 0;  // bytes before it that are kept nowhere
    std::string_view text;       // of the part that was given
};

class log_reader {
public:
    // What the parts have beyond those of the calls before, in their order. Lives as long as `parts`.
    std::vector<log_piece> news(std::span<const jobs::log_part> parts);

private:
    std::int64_t epoch_ = 0;  // of the latest attempt that was seen; the ones before it have said all
    std::uint64_t told_ = 0;  // of it, in bytes from the beginning, left out or not
};

}  // namespace gm::program
