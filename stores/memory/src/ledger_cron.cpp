// Cron entries. When they fire is decided elsewhere; that each firing happens once, here.
#include <utility>

#include <gristmill/jobs/schedule.hpp>

#include "ledger.hpp"

namespace gm::stores::in_memory {

result<bool, store_error> memory_ledger::put_cron(const cron_entry& entry) {
    if (std::string fault = fault_of(entry, house_.limits); !fault.empty())
        return failure(store_error{store_fault::invalid, "cron '" + entry.name + "': " + std::move(fault)});
    const visit here(house_);
    const auto [at, is_new] = house_.crons.try_emplace(entry.name, entry);
    if (is_new) return true;
    cron_entry kept = std::exchange(at->second, entry);
    if (kept.line == entry.line && kept.zone == entry.zone) {
        at->second.next = kept.next;
        at->second.last = kept.last;
    }
    return false;
}

result<bool, store_error> memory_ledger::remove_cron(const std::string& name) {
    const visit here(house_);
    return house_.crons.erase(name) != 0;
}

result<std::vector<cron_entry>, store_error> memory_ledger::crons() {
    const visit here(house_);
    std::vector<cron_entry> all;
    for (const auto& [name, each] : house_.crons) all.push_back(each);
    return all;
}

result<bool, store_error> memory_ledger::fire(const std::string& name, wall_time expected, wall_time next,
                                              std::span<const new_job> jobs) {
    const visit here(house_);
    const auto found = house_.crons.find(name);
    if (found == house_.crons.end() || found->second.paused || found->second.next != expected) return false;
    if (std::string fault = house_.fault_of_all(jobs); !fault.empty())
        return failure(store_error{store_fault::invalid, std::move(fault)});
    static_cast<void>(house_.insert_all(jobs));
    if (!jobs.empty()) found->second.last = expected;
    found->second.next = next;
    return true;
}

}  // namespace gm::stores::in_memory
