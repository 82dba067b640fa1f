// Queues, workers, and how long finished jobs are kept.
#include "keys.hpp"
#include "ledger.hpp"

namespace gm::stores::sqlite {

using jobs::queue_limits;
using jobs::store_error;
using jobs::store_fault;

result<bool, store_error> file_ledger::pause(const std::string& name, bool paused) {
    return writer_.run_as_value([&](session& in) {
        queue_row& queue = in.queue(name);
        if (queue.paused == paused) return false;
        queue.paused = paused;
        queue.rang = !paused;
        in.db().run("UPDATE gm_queues SET paused = ? WHERE number = ?", paused ? 1 : 0, queue.number);
        return true;
    });
}

namespace {

std::map<std::string, double> weights_of(session& in, const queue_row& queue) {
    std::map<std::string, double> weights;
    query asking = in.db().ask("SELECT key, weight FROM gm_weights WHERE queue = ?", queue.number);
    while (asking.step()) weights.emplace(asking.text(0), asking.real(1));
    return weights;
}

void store_limits(session& in, queue_row& queue, const queue_limits& limits) {
    in.db().run(
        "UPDATE gm_queues SET most_running = ?, most_running_key = ?, rate = ?, burst = ?, rate_key = ?, burst_key = "
        "?, fair = ?"
        " WHERE number = ?",
        limits.running, limits.running_per_key, limits.rate, limits.burst, limits.rate_per_key, limits.burst_per_key,
        limits.fair ? 1 : 0, queue.number);
    in.db().run("DELETE FROM gm_weights WHERE queue = ?", queue.number);
    for (const auto& [key, weight] : limits.weights)
        in.db().run("INSERT INTO gm_weights (queue, key, weight) VALUES (?, ?, ?)", queue.number, key, weight);
    // The bucket of a new rate is full.
    if (queue.limits.rate != limits.rate || queue.limits.burst != limits.burst) queue.tokens = limits.burst;
    queue.refilled = in.now();
    queue.changed = queue.rang = true;
    queue.limits = limits;
    queue.limits.weights.clear();
}

}  // namespace

result<bool, store_error> file_ledger::limit(const std::string& name, const queue_limits& limits) {
    if (std::string fault = fault_of(limits); !fault.empty())
        return failure(store_error{store_fault::invalid, std::move(fault)});
    return writer_.run_as_value([&](session& in) {
        queue_row& queue = in.queue(name);
        queue_limits before = queue.limits;
        before.weights = weights_of(in, queue);
        if (before == limits) return false;
        in.flush();
        store_limits(in, queue, limits);
        in.forget_keys();
        rebuild_keys(in, queue);
        return true;
    });
}

result<std::uint64_t, store_error> file_ledger::scale(std::int64_t worker, unsigned workers) {
    return writer_.run_as_value([&](session& in) {
        return static_cast<std::uint64_t>(
            in.db().run("UPDATE gm_workers SET wanted = ?2 WHERE ?1 = 0 OR number = ?1", worker, workers));
    });
}

result<bool, store_error> file_ledger::retain(const jobs::retention& how) {
    return writer_.run_as_value([&](session& in) {
        std::int64_t changed = 0;
        const auto put = [&](const char* name, std::chrono::microseconds kept) {
            changed += in.db().run("UPDATE gm_meta SET value = ?2 WHERE name = ?1 AND value <> ?2", name, kept.count());
        };
        put("retain_completed", how.completed);
        put("retain_cancelled", how.cancelled);
        put("retain_dead", how.dead);
        return changed != 0;
    });
}

}  // namespace gm::stores::sqlite
