#pragma once
// A worker: an incarnation of a process that takes jobs, its lease, and what it holds.

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "row.hpp"

namespace gm::stores::in_memory {

// The caller's bell. It is rung outside of the store's lock, so its owner may go meanwhile: silence() waits for
// a ring that is on its way, and none comes after it.
class bell {
public:
    explicit bell(std::function<void()> call) : call_(std::move(call)) {}
    void ring() {
        const std::lock_guard hold(guard_);
        if (call_) call_();
    }
    void silence() {
        const std::lock_guard hold(guard_);
        call_ = nullptr;
    }

private:
    std::mutex guard_;
    std::function<void()> call_;
};

struct worker {
    std::int64_t number = 0;
    const std::string* name = nullptr;
    std::vector<queue*> queues;
    std::size_t turn = 0;  // of the queues
    microseconds lease{};
    wall_time started{}, last_beat{};
    wall_time good_since{};  // its beats came in time from then on
    bool declared_dead = false;
    pulse how;
    std::optional<unsigned> wanted;

    row* first = nullptr;  // what it holds
    std::size_t held = 0;
    bool holds_suspect = false;
    std::vector<token> lost;  // to be told at its next beat

    std::shared_ptr<bell> rings;  // null: it has none
    bool rung = false;            // since it looked for jobs last

    bool is_good(wall_time now) const noexcept { return !declared_dead && now <= last_beat + lease; }
    void hold(row& which) noexcept;
    void let_go(row& which) noexcept;
};

}  // namespace gm::stores::in_memory
