#pragma once
// What a write transaction on a connection keeps at hand: numbers of names, rows of queues and of keys as they are by now, what
// has to be written before the commit. Everything that changes jobs goes through one of these: the writer's, or one made
// for the application's own connection.
//
// Invariant: after flush() the tables say all that the session knows; after forget() the session knows nothing.

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

#include "clock.hpp"
#include "connection.hpp"

namespace gm::stores::sqlite {

struct queue_row {
    std::int64_t number = 0;
    std::string name;
    bool paused = false;
    jobs::queue_limits limits;  // without the weights
    double tokens = 0;
    micros refilled = 0;
    double turn = 0;
    std::int64_t available = 0, running = 0;  // by now, the changes of this transaction included

    bool by_key() const noexcept { return limits.fair || limits.running_per_key != 0 || limits.rate_per_key > 0; }
    bool limited() const noexcept {
        return limits.running != 0 || limits.running_per_key != 0 || limits.rate > 0 || limits.rate_per_key > 0;
    }

    bool has_rate() const noexcept { return limits.rate > 0 || limits.rate_per_key > 0; }

    // What the table does not have yet.
    std::array<std::int64_t, jobs::states> moved{};
    std::int64_t completed = 0, failed = 0;
    bool changed = false;
    bool rang = false;  // there may be something to claim for others
};

// A job's place in its line.
struct standing {
    micros rank;
    std::int64_t id;
    auto operator<=>(const standing&) const = default;
};

struct key_row {
    std::optional<standing> head;
    std::int64_t running = 0;
    double served = 0;
    double tokens = 0;
    micros refilled = 0;
    double weight = 1;
    bool stale = false;  // its head has to be looked up again
    bool stored = false;
};

class session {
public:
    session(connection& db, const jobs::size_limits& limits) : db_(db), limits_(limits) {}

    connection& db() noexcept { return db_; }
    const jobs::size_limits& limits() const noexcept { return limits_; }

    // A transaction has begun.
    void begin();
    micros now() const noexcept { return now_; }

    // Writes what is pending. Before each commit, and before the end of each savepoint.
    void flush();
    // After a rollback.
    void forget() noexcept;

    jobs::job_id next_id();
    std::int64_t number_of(std::string_view name);  // of a kind or a worker
    const std::string& name_of(std::int64_t number);
    queue_row& queue(const std::string& name);  // made if there is none
    queue_row& queue(std::int64_t number);
    std::optional<std::int64_t> find_queue(const std::string& name);

    // A job went from one state to another; none: it was not there, or is gone.
    void moved(queue_row& queue, std::optional<jobs::state> from, std::optional<jobs::state> to) noexcept;

    // Where a key stands. requires: queue.by_key().
    key_row& key(const queue_row& queue, const std::string& key);
    // The same without a look at the table: whether it had to be made.
    std::pair<key_row*, bool> known_key(const queue_row& queue, const std::string& key);
    std::vector<std::pair<const std::string*, key_row*>> known_keys(const queue_row& queue);
    void flush_keys(const queue_row& queue);
    void forget_keys() noexcept { keys_.clear(); }  // requires: flushed

    // The names of the queues in which something may be claimed after this transaction, as of the last flush.
    const std::set<std::string>& rung() const noexcept { return rung_; }

private:
    queue_row read_queue(query& row);
    void write(queue_row& queue);
    void write(const queue_row& queue, const std::string& name, key_row& key);

    connection& db_;
    const jobs::size_limits limits_;
    micros now_ = 0;
    std::int64_t next_id_ = 0;  // 0: not read in this transaction
    bool ids_used_ = false;
    std::set<std::string> rung_;
    std::unordered_map<std::int64_t, queue_row> queues_;  // as of this transaction
    std::map<std::pair<std::int64_t, std::string>, key_row> keys_;
    // Names never change their number, so these outlive transactions; a rollback empties them, for it may take numbers back.
    std::unordered_map<std::string, std::int64_t> numbers_, queue_numbers_;
    std::unordered_map<std::int64_t, std::string> names_;
};

}  // namespace gm::stores::sqlite
