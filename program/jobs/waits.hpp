#pragma once
// Why a job does not run: asked of the store's ledger, in the order in which the reasons count. A question or two a reason, and no
// look at more than a thousand jobs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

namespace gm::program {

struct wait_reason {
    std::string_view
        what;  // for programs: jobs, paused, kind, retry, time, worker, running, running_per_key, alone, rate, turn
    std::string says;
    std::string advice{};  // what ends it; empty: time does
};

// None: it runs, or is over.
// requires: the store has a ledger.
result<std::optional<wait_reason>, jobs::store_error> why_it_waits(jobs::store& store, const jobs::record& job);

// A kind whose jobs are given back by every worker that claims one: nothing of it has run or runs, as far as the store still knows.
struct unhandled_kind {
    std::string kind;
    std::uint64_t put_off = 0;  // its jobs, among the newest thousand that are scheduled
    std::string hint;           // ": did you mean 'x'?", or empty
    std::string advice;
};
result<std::vector<unhandled_kind>, jobs::store_error> unhandled_kinds(jobs::ledger& of);

}  // namespace gm::program
