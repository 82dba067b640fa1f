#include "change.hpp"
#include "ledger.hpp"
#include "search.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::order;
using jobs::store_error;
using jobs::store_fault;

// In steps: a reader finds some, which takes nobody's time, and a transaction changes those of them that still meet the filter.
// Jobs that are inserted after the start are left alone.
template <class Change>
result<std::uint64_t, store_error> file_ledger::change_all(const jobs::filter& which, order by, Change change) {
    constexpr std::size_t step = 2'000;
    if (auto error = settle_due()) return failure(std::move(*error));
    const auto end = readers_.read(
        [](connection& in) { return in.number("SELECT value FROM gm_meta WHERE name = 'next_id'").value_or(0); });
    if (!end) return failure(end.error());
    jobs::page part{.by = by, .beyond = {by == order::newest_first ? *end : 0}, .most = step};
    std::uint64_t changed = 0;
    for (;;) {
        auto found = readers_.read([&](connection& in) { return search(in, which, part); });
        if (!found) return failure(std::move(found).error());
        std::erase_if(*found, [&](job_id id) { return id.number >= *end; });
        if (found->empty()) return changed;
        part.beyond = found->back();
        const auto done = writer_.run_as_value([&](session& in) {
            jobs::filter still = which;
            still.ids = *found;
            std::uint64_t some = 0;
            for (const job_id id : search(in.db(), still, {.by = by, .most = step})) some += change(in, id) ? 1 : 0;
            return some;
        });
        if (!done) return failure(done.error());
        changed += *done;
        if (found->size() < step) return changed;
    }
}

result<std::uint64_t, store_error> file_ledger::cancel(const jobs::filter& which) {
    return change_all(which, order::oldest_first, [](session& in, job_id id) { return sqlite::cancel(in, id); });
}

result<std::uint64_t, store_error> file_ledger::retry(const jobs::filter& which) {
    job_id conflicting{};
    auto changed = change_all(which, order::oldest_first, [&](session& in, job_id id) {
        const retried done = sqlite::retry(in, id);
        if (done == retried::key_taken && !conflicting) conflicting = id;
        return done == retried::yes;
    });
    // Those whose keys were free have been revived all the same, as they would be without the names.
    if (changed && conflicting && !which.ids.empty())
        return failure(store_error{store_fault::conflict, "job " + std::to_string(conflicting.number) +
                                                              ": another job has its unique key now"});
    return changed;
}

// Children first, or they would hold their parents.
result<std::uint64_t, store_error> file_ledger::remove(const jobs::filter& which) {
    return change_all(which, order::newest_first, [](session& in, job_id id) { return sqlite::remove(in, id); });
}

result<std::uint64_t, store_error> file_ledger::set_priority(const jobs::filter& which, int priority) {
    if (priority < jobs::least_priority || priority > jobs::greatest_priority)
        return failure(store_error{store_fault::invalid, "priority: " + std::to_string(priority) + " is not within " +
                                                             std::to_string(jobs::least_priority) + " to " +
                                                             std::to_string(jobs::greatest_priority)});
    return change_all(which, order::oldest_first,
                      [priority](session& in, job_id id) { return sqlite::set_priority(in, id, priority); });
}

}  // namespace gm::stores::sqlite
