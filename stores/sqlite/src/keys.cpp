#include "keys.hpp"

#include <algorithm>
#include <cmath>

namespace gm::stores::sqlite {

double tokens_at(double tokens, micros refilled, double rate, double burst, micros now) noexcept {
    const double gained = rate * static_cast<double>(std::max<micros>(0, now - refilled)) / 1e6;
    return std::min(burst, tokens + gained);
}

micros token_time(double tokens, double rate, micros now) noexcept {
    return now + static_cast<micros>(std::ceil(std::max(0.0, 1 - tokens) / rate * 1e6));
}

namespace {

double weight_of(session& in, const queue_row& of, const std::string& key) {
    if (!of.limits.fair) return 1;
    query asking = in.db().ask("SELECT weight FROM gm_weights WHERE queue = ? AND key = ?", of.number, key);
    return asking.step() ? asking.real(0) : 1;
}

// From six columns.
void read_columns(query& from, int first, key_row& row) {
    row.stored = true;
    if (!from.is_null(first)) row.head = standing{from.integer(first), from.integer(first + 1)};
    row.running = from.integer(first + 2);
    row.served = from.real(first + 3);
    row.tokens = from.real(first + 4);
    row.refilled = from.integer(first + 5);
}

}  // namespace

key_row read_key(session& in, const queue_row& of, const std::string& key) {
    key_row row;
    row.served = of.turn;
    row.tokens = of.limits.burst_per_key;
    row.refilled = in.now();
    row.weight = weight_of(in, of, key);
    query asking =
        in.db().ask("SELECT head, head_job, running, served, tokens, refilled FROM gm_keys WHERE queue = ? AND key = ?",
                    of.number, key);
    if (asking.step()) read_columns(asking, 0, row);
    return row;
}

std::vector<std::pair<const std::string*, key_row*>> open_keys(session& in, const queue_row& of, std::size_t wanted) {
    const auto take = [&](query from) {
        while (from.step()) {
            auto [row, fresh] = in.known_key(of, from.text(0));
            if (!fresh) continue;
            read_columns(from, 1, *row);
            row->weight = weight_of(in, of, from.text(0));
        }
    };
    const std::size_t touched = in.known_keys(of).size();
    take(
        in.db().ask("SELECT key, head, head_job, running, served, tokens, refilled FROM gm_keys INDEXED BY gm_keys_open"
                    " WHERE queue = ? AND open = 1 ORDER BY served, head, head_job LIMIT ?",
                    of.number, wanted + touched));
    // Those that waited for their rate alone.
    take(in.db().ask(
        "SELECT key, head, head_job, running, served, tokens, refilled FROM gm_keys INDEXED BY gm_keys_opens"
        " WHERE queue = ? AND opens IS NOT NULL AND opens <= ? LIMIT ?",
        of.number, in.now(), wanted + touched));
    return in.known_keys(of);
}

namespace {

std::optional<standing> first_of(session& in, std::int64_t queue, const std::string& key) {
    query asking = key.empty() ? in.db().ask(
                                     "SELECT rank, id FROM gm_jobs INDEXED BY gm_ready WHERE queue = ? AND state = 2"
                                     " AND crashes = 0 AND key = '' ORDER BY rank, id LIMIT 1",
                                     queue)
                               : in.db().ask(
                                     "SELECT rank, id FROM gm_jobs INDEXED BY gm_ready_key WHERE queue = ? AND key = ?"
                                     " AND state = 2 AND crashes = 0 AND key <> '' ORDER BY rank, id LIMIT 1",
                                     queue, key);
    if (!asking.step()) return std::nullopt;
    return standing{asking.integer(0), asking.integer(1)};
}

// Whether a row made anew would be the same.
bool says_nothing(const queue_row& of, const key_row& row, micros now) {
    if (row.head || row.running != 0) return false;
    if (of.limits.fair && row.served > of.turn) return false;
    return !(of.limits.rate_per_key > 0) || tokens_at(row.tokens, row.refilled, of.limits.rate_per_key,
                                                      of.limits.burst_per_key, now) >= of.limits.burst_per_key;
}

}  // namespace

key_gate gate_of(const queue_row& of, const key_row& row, micros now) {
    if (of.limits.running_per_key != 0 && row.running >= of.limits.running_per_key) return {false, {}};
    if (of.limits.rate_per_key > 0) {
        const double tokens = tokens_at(row.tokens, row.refilled, of.limits.rate_per_key, of.limits.burst_per_key, now);
        if (tokens < 1) return {false, token_time(tokens, of.limits.rate_per_key, now)};
    }
    return {};
}

void write_key(session& in, const queue_row& of, const std::string& key, key_row& row) {
    if (row.stale) row.head = first_of(in, of.number, key);
    row.stale = false;
    // Who comes back after a while has no claim to what it did not ask for meanwhile.
    if (of.limits.fair) row.served = std::max(row.served, of.turn);
    if (says_nothing(of, row, in.now())) {
        if (row.stored) in.db().run("DELETE FROM gm_keys WHERE queue = ? AND key = ?", of.number, key);
        row.stored = false;
        return;
    }
    const key_gate gate = gate_of(of, row, in.now());
    std::optional<std::int64_t> rank, id;
    if (row.head) rank = row.head->rank, id = row.head->id;
    in.db().run(
        "INSERT INTO gm_keys (queue, key, head, head_job, running, served, tokens, refilled, open, opens)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (queue, key) DO UPDATE SET head = excluded.head,"
        " head_job = excluded.head_job,"
        " running = excluded.running, served = excluded.served, tokens = excluded.tokens, refilled = excluded.refilled,"
        " open = excluded.open, opens = excluded.opens",
        of.number, key, rank, id, row.running, of.limits.fair ? row.served : 0, row.tokens, row.refilled,
        row.head && gate.open ? 1 : 0, row.head ? gate.opens : std::nullopt);
    row.stored = true;
}

void key_arrived(session& in, const queue_row& of, const std::string& key, const standing& where) {
    if (!of.by_key()) return;
    key_row& row = in.key(of, key);
    row.head = row.head ? std::min(*row.head, where) : where;
}

void key_left(session& in, const queue_row& of, const std::string& key) {
    if (of.by_key()) in.key(of, key).stale = true;
}

void key_started(const queue_row& of, key_row& row, micros now) noexcept {
    ++row.running;
    row.served += 1 / row.weight;
    if (of.limits.rate_per_key > 0) {
        row.tokens = tokens_at(row.tokens, row.refilled, of.limits.rate_per_key, of.limits.burst_per_key, now) - 1;
        row.refilled = now;
    }
}

void key_ended(session& in, const queue_row& of, const std::string& key, bool refund) {
    if (!of.by_key()) return;
    key_row& row = in.key(of, key);
    row.running = std::max<std::int64_t>(0, row.running - 1);
    if (!refund) return;
    row.served -= 1 / row.weight;
    row.tokens = std::min<double>(row.tokens + 1, of.limits.burst_per_key);
}

void rebuild_keys(session& in, const queue_row& of) {
    in.db().run("DELETE FROM gm_keys WHERE queue = ?", of.number);
    if (!of.by_key()) return;
    in.db().run(
        "INSERT INTO gm_keys (queue, key, head, running, served, tokens, refilled, open)"
        " SELECT ?1, key, min(head), sum(running), ?2, ?3, ?4, 0 FROM ("
        "  SELECT key, min(rank) AS head, 0 AS running FROM gm_jobs WHERE queue = ?1 AND state = 2 AND crashes = 0"
        "  GROUP BY key UNION ALL"
        "  SELECT key, NULL, count(*) FROM gm_running JOIN gm_jobs ON id = job WHERE queue = ?1 GROUP BY key)"
        " GROUP BY key",
        of.number, of.limits.fair ? of.turn : 0, static_cast<double>(of.limits.burst_per_key), in.now());
    in.db().run(
        "UPDATE gm_keys SET head_job = (SELECT min(id) FROM gm_jobs AS j WHERE j.queue = gm_keys.queue AND j.key = "
        "gm_keys.key"
        " AND state = 2 AND crashes = 0 AND rank = head) WHERE queue = ? AND head IS NOT NULL",
        of.number);
    if (of.limits.running_per_key == 0)
        in.db().run("UPDATE gm_keys SET open = 1 WHERE queue = ? AND head IS NOT NULL", of.number);
    else
        in.db().run("UPDATE gm_keys SET open = 1 WHERE queue = ? AND head IS NOT NULL AND running < ?", of.number,
                    of.limits.running_per_key);
}

void open_late_keys(session& in) {
    std::vector<std::pair<std::int64_t, std::string>> late;
    query asking = in.db().ask(
        "SELECT q.number, k.key FROM gm_queues q JOIN gm_keys k INDEXED BY gm_keys_opens ON k.queue = q.number"
        " WHERE q.rate_key > 0 AND k.opens IS NOT NULL AND k.opens > ?1 + 2000000 / q.rate_key + 1000000 LIMIT 200",
        in.now());
    while (asking.step()) late.emplace_back(asking.integer(0), asking.text(1));
    for (const auto& [queue, key] : late) {
        key_row& row = in.key(in.queue(queue), key);
        row.refilled = std::min(row.refilled, in.now());
    }
}

void forget_idle_keys(session& in) {
    std::vector<std::pair<std::int64_t, std::string>> idle;
    query asking = in.db().ask("SELECT queue, key FROM gm_keys WHERE head IS NULL AND running = 0 LIMIT 200");
    while (asking.step()) idle.emplace_back(asking.integer(0), asking.text(1));
    // Looking at a row makes the flush write it, or remove it if it says nothing.
    for (const auto& [queue, key] : idle) in.key(in.queue(queue), key);
}

}  // namespace gm::stores::sqlite
