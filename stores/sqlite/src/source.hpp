#pragma once
// One worker process as the store sees it.

#include <map>
#include <memory>
#include <set>
#include <string>

#include "claim.hpp"
#include "settle.hpp"
#include "workers.hpp"
#include "writer.hpp"

namespace gm::stores::sqlite {

// Who is told when there may be something to claim.
class bells {
public:
    void add(const void* whose, std::vector<std::string> queues, std::function<void()> bell);
    bool remove(const void* whose);  // whether others are left; none of its calls is under way any more
    // The queues' listeners; with none: all.
    void ring(const std::set<std::string>& queues) const;

private:
    struct listener {
        const void* whose;
        std::vector<std::string> queues;
        std::function<void()> bell;
    };
    // Held while they ring, so that a source that is destroyed is not called any more. A bell must not call the store.
    mutable std::mutex lock_;
    std::vector<listener> all_;
};

class file_source final : public jobs::source {
public:
    // Signs on. Throws trouble.
    file_source(std::shared_ptr<writer> to, std::shared_ptr<bells> among, const jobs::subscription& how);
    ~file_source() override;

    result<jobs::exchanged, jobs::store_error> exchange(std::span<const jobs::settlement> finishes,
                                                        const jobs::demand& wanted) override;
    result<jobs::beaten, jobs::store_error> beat(const jobs::pulse& how) override;
    result<jobs::swept, jobs::store_error> sweep() override;

    // For tests: it goes as if its process had died.
    void abandon() noexcept { abandoned_ = true; }

private:
    struct exchange_operation;
    struct beat_operation;

    micros steady_for() const noexcept;
    void let_go(const jobs::token& which) noexcept;

    // Shared with the store, which may go first.
    const std::shared_ptr<writer> writer_;
    const std::shared_ptr<bells> bells_;
    side_file byte_;
    incarnation self_;
    claimant claims_;
    std::function<void()> bell_;
    bool abandoned_ = false;
    // What it was told that it has. Whoever writes looks at it, and nobody else, after commits, in their order: so a beat never sees
    // a claim that an exchange of the same moment has ended.
    std::map<jobs::token, remembered> held_;
    std::optional<jobs::token> suspect_;  // one of these that took a worker down before
    // Since when its beats have come in time, and when the last one was: on the clock since the boot.
    std::atomic<micros> steady_since_{0}, last_beat_{0};
};

}  // namespace gm::stores::sqlite
