#include "unique.hpp"

namespace gm::stores::in_memory {

std::int64_t unique_table::holder(const std::string* kind, const std::string& key, wall_time now) {
    const auto found = taken_.find({kind, key});
    if (found == taken_.end()) return 0;
    if (found->second.until > now) return found->second.job;
    windows_.erase({found->second.until, &found->first});
    taken_.erase(found);
    return 0;
}

void unique_table::take(const std::string* kind, const unique_key& key, std::int64_t job, wall_time now) {
    const bool window = key.until == unique_for::window;
    const wall_time until = window && key.window < wall_time::max() - now ? now + key.window : wall_time::max();
    const auto made = taken_.emplace(name{kind, key.key}, held{job, until}).first;
    if (until != wall_time::max()) windows_.emplace(until, &made->first);
}

void unique_table::release(const std::string* kind, const std::string& key, std::int64_t job) {
    const auto found = taken_.find({kind, key});
    if (found != taken_.end() && found->second.job == job) taken_.erase(found);
}

void unique_table::tidy(std::size_t most, wall_time now) {
    for (; most != 0 && !windows_.empty() && windows_.begin()->first <= now; --most) {
        taken_.erase(taken_.find(*windows_.begin()->second));
        windows_.erase(windows_.begin());
    }
}

}  // namespace gm::stores::in_memory
