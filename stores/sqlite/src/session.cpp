#include "session.hpp"

#include "keys.hpp"

namespace gm::stores::sqlite {

using jobs::state;

namespace {
// Kinds and workers' names are few; a program that makes up new ones all the time must not fill the memory.
constexpr std::size_t most_names = 10'000;
}  // namespace

void session::begin() {
    now_ = wall_now();
    next_id_ = 0;
    ids_used_ = false;
    queues_.clear();
    keys_.clear();
    rung_.clear();
}

void session::forget() noexcept {
    next_id_ = 0;
    ids_used_ = false;
    queues_.clear();
    keys_.clear();
    numbers_.clear();
    queue_numbers_.clear();
    names_.clear();
}

void session::flush() {
    for (auto& [place, row] : keys_) write(queue(place.first), place.second, row);
    for (auto& [number, row] : queues_) {
        write(row);
        if (std::exchange(row.rang, false)) rung_.insert(row.name);
    }
    if (ids_used_) db_.run("UPDATE gm_meta SET value = ? WHERE name = 'next_id'", next_id_);
    ids_used_ = false;
}

jobs::job_id session::next_id() {
    if (next_id_ == 0) next_id_ = db_.number("SELECT value FROM gm_meta WHERE name = 'next_id'").value();
    ids_used_ = true;
    return {next_id_++};
}

std::int64_t session::number_of(std::string_view name) {
    const std::string key(name);
    if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    std::optional<std::int64_t> number = db_.number("SELECT number FROM gm_names WHERE name = ?", name);
    if (!number) number = db_.number("INSERT INTO gm_names (name) VALUES (?) RETURNING number", name);
    if (numbers_.size() >= most_names) numbers_.clear();
    numbers_.emplace(key, *number);
    return *number;
}

const std::string& session::name_of(std::int64_t number) {
    const auto found = names_.find(number);
    if (found != names_.end()) return found->second;
    if (names_.size() >= most_names) names_.clear();
    query asking = db_.ask("SELECT name FROM gm_names WHERE number = ?", number);
    return names_.emplace(number, asking.step() ? asking.text(0) : std::string()).first->second;
}

namespace {
constexpr char one_queue[] =
    "SELECT number, name, paused, most_running, most_running_key, rate, burst, rate_key, burst_key, fair, tokens, "
    "refilled,"
    " turn, available, running FROM gm_queues WHERE number = ?";
}  // namespace

queue_row session::read_queue(query& row) {
    queue_row read;
    read.number = row.integer(0);
    read.name = row.text(1);
    read.paused = row.integer(2) != 0;
    read.limits.running = static_cast<unsigned>(row.integer(3));
    read.limits.running_per_key = static_cast<unsigned>(row.integer(4));
    read.limits.rate = row.real(5);
    read.limits.burst = static_cast<unsigned>(row.integer(6));
    read.limits.rate_per_key = row.real(7);
    read.limits.burst_per_key = static_cast<unsigned>(row.integer(8));
    read.limits.fair = row.integer(9) != 0;
    read.tokens = row.real(10);
    read.refilled = row.integer(11);
    read.turn = row.real(12);
    read.available = row.integer(13);
    read.running = row.integer(14);
    return read;
}

queue_row& session::queue(std::int64_t number) {
    const auto found = queues_.find(number);
    if (found != queues_.end()) return found->second;
    query asking = db_.ask(one_queue, number);
    if (!asking.step()) fail(jobs::store_fault::damaged, db_.path() + ": a job's queue is missing");
    return queues_.emplace(number, read_queue(asking)).first->second;
}

std::optional<std::int64_t> session::find_queue(const std::string& name) {
    if (const auto found = queue_numbers_.find(name); found != queue_numbers_.end()) return found->second;
    const std::optional<std::int64_t> number = db_.number("SELECT number FROM gm_queues WHERE name = ?", name);
    if (number) {
        if (queue_numbers_.size() >= most_names) queue_numbers_.clear();
        queue_numbers_.emplace(name, *number);
    }
    return number;
}

queue_row& session::queue(const std::string& name) {
    std::optional<std::int64_t> number = find_queue(name);
    if (!number) {
        number = db_.number("INSERT INTO gm_queues (name) VALUES (?) RETURNING number", name);
        queue_numbers_.emplace(name, *number);
    }
    return queue(*number);
}

void session::moved(queue_row& row, std::optional<state> from, std::optional<state> to) noexcept {
    row.changed = true;
    if (from) {
        --row.moved[static_cast<std::size_t>(*from)];
        if (*from == state::available) --row.available;
        if (*from == state::running) {
            --row.running;
            if (row.limited()) row.rang = true;  // there is room again
        }
    }
    if (to) {
        ++row.moved[static_cast<std::size_t>(*to)];
        if (*to == state::available) ++row.available;
        if (*to == state::running) ++row.running;
        if (*to == state::available || *to == state::scheduled) row.rang = true;
    }
}

void session::write(queue_row& row) {
    if (!row.changed) return;
    db_.run(
        "UPDATE gm_queues SET waiting = waiting + ?2, scheduled = scheduled + ?3, available = available + ?4,"
        " running = running + ?5, retrying = retrying + ?6, completed = completed + ?7, cancelled = cancelled + ?8,"
        " dead = dead + ?9, ever_completed = ever_completed + ?10, ever_failed = ever_failed + ?11, tokens = ?12,"
        " refilled = ?13, turn = ?14 WHERE number = ?1",
        row.number, row.moved[0], row.moved[1], row.moved[2], row.moved[3], row.moved[4], row.moved[5], row.moved[6],
        row.moved[7], row.completed, row.failed, row.tokens, row.refilled, row.turn);
    row.moved = {};
    row.completed = row.failed = 0;
    row.changed = false;
}

key_row& session::key(const queue_row& of, const std::string& key) {
    const auto [place, fresh] = keys_.try_emplace({of.number, key});
    if (fresh) place->second = read_key(*this, of, key);
    return place->second;
}

std::pair<key_row*, bool> session::known_key(const queue_row& of, const std::string& key) {
    const auto [place, fresh] = keys_.try_emplace({of.number, key});
    return {&place->second, fresh};
}

std::vector<std::pair<const std::string*, key_row*>> session::known_keys(const queue_row& of) {
    std::vector<std::pair<const std::string*, key_row*>> known;
    for (auto place = keys_.lower_bound({of.number, {}}); place != keys_.end() && place->first.first == of.number;
         ++place)
        known.emplace_back(&place->first.second, &place->second);
    return known;
}

void session::write(const queue_row& of, const std::string& name, key_row& row) { write_key(*this, of, name, row); }

void session::flush_keys(const queue_row& of) {
    for (auto place = keys_.lower_bound({of.number, {}}); place != keys_.end() && place->first.first == of.number;
         ++place)
        write(of, place->first.second, place->second);
}

}  // namespace gm::stores::sqlite
