#pragma once
// Who has which unique key. A table of its own: a window goes on when its job has long been removed.

#include <set>
#include <string>
#include <unordered_map>

#include "row.hpp"

namespace gm::stores::in_memory {

class unique_table {
public:
    // The job that has this key of this kind; 0: nobody.
    std::int64_t holder(const std::string* kind, const std::string& key, wall_time now);
    // requires: nobody has it.
    void take(const std::string* kind, const unique_key& key, std::int64_t job, wall_time now);
    // Gives it back, if this job has it.
    void release(const std::string* kind, const std::string& key, std::int64_t job);
    // Forgets windows that have passed.
    void tidy(std::size_t most, wall_time now);

private:
    struct name {
        const std::string* kind;
        std::string key;
        bool operator==(const name&) const = default;
    };
    struct hash {
        std::size_t operator()(const name& of) const noexcept {
            return std::hash<std::string>()(of.key) ^ std::hash<const void*>()(of.kind);
        }
    };
    struct held {
        std::int64_t job;
        wall_time until;
    };

    std::unordered_map<name, held, hash> taken_;
    std::set<std::pair<wall_time, const name*>> windows_;
};

}  // namespace gm::stores::in_memory
