#include "pick.hpp"

#include <algorithm>
#include <queue>
#include <tuple>
#include <utility>

#include "codec.hpp"
#include "keys.hpp"

namespace gm::stores::sqlite {

namespace {

#define GRISTMILL_PICKED                                                                                       \
    "id, epoch, kind, rank, key, arguments, type, tags, attempts, crashes, inserted, run_at, timeout, retry, " \
    "unique_until,"                                                                                            \
    " unique_key, has_steps"

picked read(query& row, std::int64_t queue) {
    picked job;
    job.id = {row.integer(0)};
    job.queue = queue;
    job.epoch = row.integer(1);
    job.kind = row.integer(2);
    job.rank = row.integer(3);
    job.key = row.bytes(4);
    job.arguments.bytes = row.bytes(5);
    job.arguments.type = row.bytes(6);
    if (!row.is_null(7)) job.tags = tags_from(row.bytes(7));
    job.attempts = static_cast<int>(row.integer(8));
    job.crashes = static_cast<int>(row.integer(9));
    job.inserted = row.integer(10);
    job.run_at = row.integer(11);
    job.timeout = row.integer(12);
    if (!row.is_null(13)) job.retry = retry_from(row.bytes(13));
    if (!row.is_null(14))
        job.unique = jobs::unique_key{row.text(15), static_cast<jobs::unique_for>(row.integer(14)), {}};
    job.has_steps = row.integer(16) != 0;
    return job;
}

std::vector<picked> read_all(query asking, std::int64_t queue) {
    std::vector<picked> jobs;
    while (asking.step()) jobs.push_back(read(asking, queue));
    return jobs;
}

constexpr char without_key[] =
    "SELECT " GRISTMILL_PICKED
    " FROM gm_jobs INDEXED BY gm_ready WHERE queue = ? AND state = 2 AND crashes = 0 AND key = ''"
    " ORDER BY rank, id LIMIT ? OFFSET ?";
constexpr char any_key[] = "SELECT " GRISTMILL_PICKED
                           " FROM gm_jobs INDEXED BY gm_ready_keyed WHERE queue = ? AND state = 2 AND crashes = 0"
                           " AND key <> '' ORDER BY rank, id LIMIT ?";
constexpr char by_id[] = "SELECT " GRISTMILL_PICKED " FROM gm_jobs WHERE id = ?";
constexpr char ranks_without_key[] =
    "SELECT rank, id FROM gm_jobs INDEXED BY gm_ready WHERE queue = ? AND state = 2 AND crashes = 0 AND key = ''"
    " ORDER BY rank, id LIMIT ? OFFSET ?";
constexpr char ranks_of_key[] =
    "SELECT rank, id FROM gm_jobs INDEXED BY gm_ready_key WHERE queue = ? AND key = ? AND state = 2 AND crashes = 0"
    " AND key <> '' ORDER BY rank, id LIMIT ? OFFSET ?";

// The jobs of one key in their order, by their index alone, in pieces: most keys give a few, one key may give all.
class line {
public:
    line(session& in, std::int64_t queue, const std::string& key, key_row& row, std::size_t piece)
        : in_(in), queue_(queue), key_(key), row_(row), piece_(piece) {}

    key_row& row() const noexcept { return row_; }
    // The next one; none if there is none.
    std::optional<standing> front() {
        if (next_ == jobs_.size() && !done_) refill();
        if (next_ == jobs_.size()) return std::nullopt;
        return jobs_[next_];
    }
    void pop() noexcept { ++next_; }
    // How many there are, counted no further than `most`.
    // requires: none was popped.
    std::size_t count(std::size_t most) {
        while (jobs_.size() < most && !done_) refill();
        return std::min(jobs_.size(), most);
    }

private:
    void refill() {
        const std::size_t before = jobs_.size();
        query asking = key_.empty() ? in_.db().ask(ranks_without_key, queue_, piece_, before)
                                    : in_.db().ask(ranks_of_key, queue_, key_, piece_, before);
        while (asking.step()) jobs_.push_back({asking.integer(0), asking.integer(1)});
        done_ = jobs_.size() - before < piece_;
        piece_ = std::min<std::size_t>(piece_ * 4, 256);
    }

    session& in_;
    const std::int64_t queue_;
    const std::string& key_;
    key_row& row_;
    std::vector<standing> jobs_;
    std::size_t next_ = 0, piece_;
    bool done_ = false;
};

}  // namespace

std::vector<picked> pick(session& in, const queue_row& queue, std::size_t most) {
    std::vector<picked> jobs = read_all(in.db().ask(without_key, queue.number, most, 0), queue.number);
    std::vector<picked> keyed = read_all(in.db().ask(any_key, queue.number, most), queue.number);
    if (keyed.empty()) return jobs;
    std::vector<picked> both;
    std::ranges::merge(
        std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end()),
        std::make_move_iterator(keyed.begin()), std::make_move_iterator(keyed.end()), std::back_inserter(both),
        [](const picked& a, const picked& b) { return std::pair(a.rank, a.id) < std::pair(b.rank, b.id); });
    if (both.size() > most) both.erase(both.begin() + static_cast<std::ptrdiff_t>(most), both.end());
    return both;
}

namespace {

// The lines of all keys that may give one of the first `most` jobs.
std::vector<line> lines_of(session& in, const queue_row& queue, std::size_t most) {
    const std::vector<std::pair<const std::string*, key_row*>> keys = open_keys(in, queue, most);
    const std::size_t piece = keys.empty() ? 0 : std::clamp<std::size_t>(most / keys.size() + 1, 2, 256);
    std::vector<line> lines;
    lines.reserve(keys.size());
    for (const auto& [key, row] : keys) lines.emplace_back(in, queue.number, *key, *row, piece);
    return lines;
}

// How many jobs could start, counted no further than `most`.
std::size_t could_start(session& in, const queue_row& queue, std::vector<line>& lines, std::size_t most) {
    std::size_t found = 0;
    for (line& each : lines) {
        if (found >= most) break;
        if (!gate_of(queue, each.row(), in.now()).open) continue;
        std::size_t places = most - found;
        if (queue.limits.running_per_key != 0)
            places = std::min(places, static_cast<std::size_t>(queue.limits.running_per_key - each.row().running));
        found += each.count(places);
    }
    return found;
}

}  // namespace

std::vector<picked> pick_by_key(session& in, queue_row& queue, std::size_t most, std::size_t spared) {
    std::vector<line> lines = lines_of(in, queue, most + spared);
    if (spared != 0) {
        const std::size_t found = could_start(in, queue, lines, most + spared);
        most = found - std::min(found, spared);
    }
    using candidate = std::tuple<double, standing, std::size_t>;  // what its key has had, itself, which line
    std::priority_queue<candidate, std::vector<candidate>, std::greater<>> next;
    const auto line_up = [&](std::size_t which) {
        key_row& row = lines[which].row();
        const auto job = lines[which].front();
        row.head = job;
        row.stale = false;
        if (job && gate_of(queue, row, in.now()).open) next.emplace(queue.limits.fair ? row.served : 0.0, *job, which);
    };
    for (std::size_t i = 0; i != lines.size(); ++i) line_up(i);
    std::vector<picked> jobs;
    while (jobs.size() < most && !next.empty()) {
        const auto [served, job, which] = next.top();
        next.pop();
        if (queue.limits.fair) queue.turn = std::max(queue.turn, served);
        query asking = in.db().ask(by_id, job.id);
        if (!asking.step())
            fail(jobs::store_fault::damaged, in.db().path() + ": an index of the jobs names one that is not there");
        jobs.push_back(read(asking, queue.number));
        lines[which].pop();
        key_started(queue, lines[which].row(), in.now());
        line_up(which);
    }
    return jobs;
}

std::optional<picked> pick_suspect(session& in, const queue_row& queue) {
    // They are few. Those behind a key that is held are passed over.
    query asking = in.db().ask("SELECT " GRISTMILL_PICKED
                               " FROM gm_jobs INDEXED BY gm_suspect WHERE queue = ? AND state = 2 AND crashes > 0"
                               " ORDER BY rank, id LIMIT 1000",
                               queue.number);
    while (asking.step()) {
        picked job = read(asking, queue.number);
        if (!queue.by_key() || gate_of(queue, in.key(queue, job.key), in.now()).open) return job;
    }
    return std::nullopt;
}
#undef GRISTMILL_PICKED

}  // namespace gm::stores::sqlite
