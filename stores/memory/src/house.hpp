#pragma once
// Everything that the store holds, under one lock, and the steps that jobs take in it. The faces (store.cpp, ledger*.cpp) come in
// by a `visit`, which takes the lock, reads the clock, and rings the bells when it has left the lock again.
//
// Under the lock nothing waits and no foreign code runs.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <gristmill/stores/memory.hpp>

#include "queue.hpp"
#include "row.hpp"
#include "table.hpp"
#include "unique.hpp"
#include "worker.hpp"

namespace gm::stores::in_memory {

using clock = std::function<wall_time()>;

class house {
public:
    house(const memory_options& options, clock time)
        : limits(options.limits), keep(options.keep), time_(std::move(time)) {}

    const size_limits limits;
    retention keep;
    table jobs;
    std::map<std::string, std::unique_ptr<queue>, std::less<>> queues;
    unique_table keys;
    std::map<std::int64_t, worker*> workers;
    std::map<std::string, cron_entry> crons;
    std::int64_t last_worker = 0;
    std::array<index, jobs::states> kept;  // what is over and not pinned, by state, in the order of its end

    wall_time now{};  // of this visit

    // ---- in (publish.cpp) ----
    // What is wrong with them; empty: nothing.
    std::string fault_of_all(std::span<const new_job> from);
    // requires: no fault.
    std::vector<published> insert_all(std::span<const new_job> from);

    // ---- the steps of a job (steps.cpp) ----
    // Every change of state goes through here. `at`: its new run_at. `unused`: it was running, but never started.
    void step(row& which, state to, std::optional<wall_time> at = std::nullopt, bool unused = false);
    void remove(row& which);
    void reprioritize(row& which, int priority);
    // By hand: what is over but not completed is revived, what waits for its time becomes due.
    enum class retried : std::uint8_t { yes, no, key_taken };
    retried retry(row& which);
    // Makes available what has come due.
    void promote(queue& of);
    void promote_all();
    void add_report(row& which, attempt_report report);

    // ---- parents (parents.cpp) ----
    // A new child of these; whether it waits for any of them. Cancelled at once if one of them makes it so.
    void bind(row& child);
    // Tells the children of what is over.
    void tell_children(row& parent);
    void unbind(row& child);

    // ---- claims (claims.cpp) ----
    settled settle(worker& by, const settlement& end);
    void claim_for(worker& by, const demand& wanted, exchanged& to);
    void give_back(worker& by);
    void rescue(worker& dead);

    // ---- workers (workers.cpp) ----
    void enlist(worker& made, const subscription& how);
    void discharge(worker& gone);
    beaten beat(worker& by, const pulse& how);
    swept sweep(worker& by);

    // A running job by its claim; null: it is no longer that.
    row* claimed(const token& which) const noexcept;
    queue& queue_named(const std::string& name);
    const std::string* interned(const std::string& name);
    // Whoever takes jobs from there is to look again.
    void ring(const queue& where);
    void ring(worker& whom);

private:
    friend class visit;

    row& insert(const new_job& from, const std::string* kind);
    void leave_state(row& which, bool unused);
    void enter_state(row& which);
    void finish(row& which);
    void pin(row& parent, std::int64_t child);
    void unpin(row& parent, std::int64_t child);
    void release_key(row& which);
    bool lets_go(const row& child, const row& parent) const noexcept;
    bool may_rescue(const worker& sweeper, const worker& other) const noexcept;
    std::size_t may_give_ahead(const queue& from, const worker& to, std::size_t most) const;
    // Claims until it has `most` in all. `room`: how many each of the worker's queues may give.
    void take(worker& by, claim which, std::size_t most, std::vector<std::size_t>& room, exchanged& to);
    void report_end(row& which, const settlement& end, int attempt, std::string error);

    clock time_;
    std::mutex guard_;
    std::vector<std::shared_ptr<bell>> to_ring_;
    std::vector<row*> telling_;              // whose children are being told that it is over
    std::unordered_set<std::string> names_;  // kinds and workers: there are few
    queue* last_queue_ = nullptr;            // what was looked up last: mostly it is the same again
    const std::string* last_name_ = nullptr;
};

class visit {
public:
    explicit visit(house& at) : at_(at), hold_(at.guard_) { at.now = std::max(at.now, at.time_()); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() {
        const std::vector<std::shared_ptr<bell>> due = std::exchange(at_.to_ring_, {});
        hold_.unlock();
        for (const std::shared_ptr<bell>& each : due) each->ring();
    }

private:
    house& at_;
    std::unique_lock<std::mutex> hold_;
};

}  // namespace gm::stores::in_memory
