#pragma once
// The next jobs of one queue, in the order of their claim; their rows are left as they are.

#include <optional>
#include <vector>

#include "session.hpp"

namespace gm::stores::sqlite {

struct picked {
    jobs::job_id id;
    std::int64_t queue = 0, epoch = 0, kind = 0;
    micros rank = 0;
    std::string key;
    jobs::body arguments;
    std::vector<std::string> tags;
    int attempts = 0, crashes = 0;
    micros inserted = 0, run_at = 0, timeout = 0;
    std::optional<jobs::retry_policy> retry;
    std::optional<jobs::unique_key> unique;
    bool has_steps = false;
};

// By rank, over all keys.
std::vector<picked> pick(session& in, const queue_row& queue, std::size_t most);

// By what the keys have had, and then by the ranks of their heads; so few that `spared` more could start. The rows of the keys
// already count what is picked.
std::vector<picked> pick_by_key(session& in, queue_row& queue, std::size_t most, std::size_t spared);

// The first job of those that took a worker down, if no limit of its key holds it.
std::optional<picked> pick_suspect(session& in, const queue_row& queue);

}  // namespace gm::stores::sqlite
