#pragma once
// For stores that keep counters: which questions need no look at the jobs.

#include <gristmill/jobs/ledger.hpp>

namespace gm::jobs::detail {

// Whether it goes by state and queue alone.
inline bool is_counted(const filter& which) noexcept {
    return which.ids.empty() && which.kind.empty() && which.key.empty() && which.tag.empty() && which.worker.empty() &&
           which.text.empty() && !which.inserted_before && !which.inserted_after && !which.finished_before &&
           !which.finished_after;
}

}  // namespace gm::jobs::detail
