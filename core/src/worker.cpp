// A worker between two operations: the accounts that it keeps of its coroutines' time, and what thieves do to its queue.
#include <gristmill/detail/worker.hpp>

#include <algorithm>

#include <gristmill/detail/scheduler_core.hpp>

namespace gm::detail {

constinit thread_local worker* current_worker = nullptr;

namespace {

// A coroutine may complete so many operations in a row before the others have their turn.
constexpr std::int32_t full_budget = 256;
// Operations between two measurements, while they show trivial work and while they show real work. Odd: most loops have an
// even number of operations, and each kind is to be met in turn. Reading the counter twice costs as much as several
// operations.
constexpr std::int32_t fuse = 63, short_fuse = 17;

// Cut to what a channel's lock can tell apart; whoever comes after so many earns no bias.
std::uint32_t next_id() noexcept {
    static constinit std::atomic<std::uint32_t> last{0};
    const std::uint32_t id = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return id < 1u << 29 ? id : 0;
}

}  // namespace

worker::worker(scheduler_core& owner) noexcept : home(owner), id(next_id()), watched_(owner.watched_) {}

bool worker::account() noexcept {
    budget_ -= fuse_length_;
    const bool has_budget = budget_ > 0;
    if (!has_budget) budget_ = full_budget;
    fuse_ = fuse_length_ = std::min(offering_ ? short_fuse : fuse, budget_);
    show_work();
    if (measured_from_ == 0) measured_from_ = scheduler_core::ticks();
    if (has_budget || (queue.size() == 0 && home.shared_count_.load(std::memory_order_relaxed) == 0)) return true;
    measured_from_ = 0;
    return false;
}

// Lets idle peers know of what is queued here, as far as they should.
void worker::show_work() noexcept {
    if (offering_) home.offer(*this);
    if (!watched()) home.request_watch();
}

void worker::end_measurement() noexcept {
    const std::uint64_t gap = std::min(scheduler_core::ticks() - measured_from_, home.worth_sharing_ * 64);
    measured_from_ = 0;
    gap_ = gap_ - gap_ / 8 + gap / 8;
    if (gap_ > home.worth_sharing_)
        offering_ = true;
    else if (gap_ < home.worth_sharing_ / 2)
        offering_ = false;
}

task_header* run_queue::steal() noexcept {
    guard_.guest_acquire();
    task_header* first = nullptr;
    if (const std::uint32_t half = std::min<std::uint32_t>((ready() + 1) / 2, 256); half != 0) {
        first = first_;
        task_header* last = first_;
        for (std::uint32_t i = 1; i < half; ++i) last = last->next;
        first_ = last->next;
        if (!first_) last_ = nullptr;
        last->next = nullptr;
        count(ready_, -static_cast<int>(half));
        count(pops_, static_cast<int>(half));
    } else if (oldest_) {
        first = oldest_;
        drop_child(*first);
        first->next = nullptr;
    }
    guard_.guest_release();
    return first;
}

}  // namespace gm::detail
