// Changes to many jobs, and to queues and workers.
#include <utility>

#include "ledger.hpp"
#include "search.hpp"

namespace gm::stores::in_memory {

namespace {

// Calls `change` with every job that meets the filter; it says whether it changed anything.
template <class F>
std::uint64_t change_all(house& at, const filter& which, order by, F&& change) {
    std::uint64_t changed = 0;
    search(at, which, by, {}, [&](row& job) {
        if (change(job)) ++changed;
        return true;
    });
    return changed;
}

}  // namespace

result<std::uint64_t, store_error> memory_ledger::cancel(const filter& which) {
    return change_all(house_, which, order::oldest_first, [this](row& job) {
        if (is_over(job.state)) return false;
        if (job.state == state::running) return !std::exchange(job.cancel_asked, true);
        house_.step(job, state::cancelled);
        return true;
    });
}

result<std::uint64_t, store_error> memory_ledger::retry(const filter& which) {
    job_id conflicting{};
    const std::uint64_t changed = change_all(house_, which, order::oldest_first, [&](row& job) {
        const auto done = house_.retry(job);
        if (done == house::retried::key_taken && !conflicting) conflicting = {job.id};
        return done == house::retried::yes;
    });
    // Those whose keys were free have been revived all the same, as they would be without the names.
    if (conflicting && !which.ids.empty())
        return failure(store_error{store_fault::conflict, "job " + std::to_string(conflicting.number) +
                                                              ": another job has its unique key now"});
    return changed;
}

// Children first, or they would hold their parents.
result<std::uint64_t, store_error> memory_ledger::remove(const filter& which) {
    return change_all(house_, which, order::newest_first, [this](row& job) {
        if (job.state == state::running || job.pinned()) return false;
        house_.remove(job);
        return true;
    });
}

result<std::uint64_t, store_error> memory_ledger::set_priority(const filter& which, int priority) {
    if (priority < least_priority || priority > greatest_priority)
        return failure(store_error{store_fault::invalid, "priority: " + std::to_string(priority) + " is out of range"});
    return change_all(house_, which, order::oldest_first, [&](row& job) {
        if (is_over(job.state) || job.state == state::running) return false;
        house_.reprioritize(job, priority);
        return true;
    });
}

result<bool, store_error> memory_ledger::pause(const std::string& name, bool paused) {
    const visit here(house_);
    queue& which = house_.queue_named(name);
    if (which.paused() == paused) return false;
    which.pause(paused);
    if (!paused) house_.ring(which);
    return true;
}

result<bool, store_error> memory_ledger::limit(const std::string& name, const queue_limits& limits) {
    if (std::string fault = fault_of(limits); !fault.empty())
        return failure(store_error{store_fault::invalid, std::move(fault)});
    const visit here(house_);
    queue& which = house_.queue_named(name);
    if (which.limits() == limits) return false;
    which.limit(limits, house_.now);
    house_.ring(which);
    return true;
}

result<std::uint64_t, store_error> memory_ledger::scale(std::int64_t number, unsigned workers) {
    const visit here(house_);
    std::uint64_t asked = 0;
    for (const auto& [each, one] : house_.workers) {
        if (number != 0 && each != number) continue;
        one->wanted = workers;
        ++asked;
    }
    return asked;
}

result<bool, store_error> memory_ledger::retain(const retention& how) {
    const visit here(house_);
    return std::exchange(house_.keep, how) != how;
}

}  // namespace gm::stores::in_memory
