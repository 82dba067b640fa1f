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
constexpr char one_key[] =
    "SELECT " GRISTMILL_PICKED
    " FROM gm_jobs INDEXED BY gm_ready_key WHERE queue = ? AND key = ? AND state = 2 AND crashes = 0"
    " AND key <> '' ORDER BY rank, id LIMIT ? OFFSET ?";

// The jobs of one key in their order, read in pieces that grow: most keys give one job, one key may give all.
class line {
public:
    line(session& in, std::int64_t queue, std::string key) : in_(in), queue_(queue), key_(std::move(key)) {}

    // The next one; null if there is none.
    picked* front() {
        if (next_ == jobs_.size() && !done_) refill();
        return next_ == jobs_.size() ? nullptr : &jobs_[next_];
    }
    void pop() { ++next_; }

private:
    void refill() {
        read_ += jobs_.size();
        jobs_ = key_.empty() ? read_all(in_.db().ask(without_key, queue_, piece_, read_), queue_)
                             : read_all(in_.db().ask(one_key, queue_, key_, piece_, read_), queue_);
        done_ = jobs_.size() < piece_;
        next_ = 0;
        piece_ = std::min<std::size_t>(piece_ * 4, 256);
    }

    session& in_;
    const std::int64_t queue_;
    const std::string key_;
    std::vector<picked> jobs_;
    std::size_t next_ = 0, read_ = 0, piece_ = 2;
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

std::vector<picked> pick_by_key(session& in, queue_row& queue, std::size_t most) {
    in.flush_keys(queue);
    // Keys that waited for their rate alone.
    std::vector<std::string> rested;
    {
        query asking =
            in.db().ask("SELECT key FROM gm_keys WHERE queue = ? AND opens IS NOT NULL AND opens <= ? LIMIT ?",
                        queue.number, in.now(), most);
        while (asking.step()) rested.push_back(asking.text(0));
    }
    for (const std::string& key : rested) in.key(queue, key);
    if (!rested.empty()) in.flush_keys(queue);

    // As many keys as jobs are wanted will do: with each pick but the last, one of them is still as it was, and goes before
    // all that were left out.
    std::vector<line> lines;
    std::vector<std::string> keys;
    {
        query asking = in.db().ask(
            "SELECT key FROM gm_keys INDEXED BY gm_keys_open WHERE queue = ? AND open = 1"
            " ORDER BY served, head LIMIT ?",
            queue.number, most);
        while (asking.step()) keys.push_back(asking.text(0));
    }
    using stand = std::tuple<double, micros, std::int64_t, std::size_t>;  // served, rank, id, which
    std::priority_queue<stand, std::vector<stand>, std::greater<>> next;
    const auto line_up = [&](std::size_t which) {
        key_row& row = in.key(queue, keys[which]);
        picked* const job = lines[which].front();
        row.head = job ? std::optional(job->rank) : std::nullopt;
        if (job && gate_of(queue, row, in.now()).open)
            next.emplace(queue.limits.fair ? row.served : 0.0, job->rank, job->id.number, which);
    };
    lines.reserve(keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
        lines.emplace_back(in, queue.number, keys[i]);
        line_up(i);
    }
    std::vector<picked> jobs;
    while (jobs.size() < most && !next.empty()) {
        const auto [served, rank, id, which] = next.top();
        next.pop();
        if (queue.limits.fair) queue.turn = std::max(queue.turn, served);
        jobs.push_back(std::move(*lines[which].front()));
        lines[which].pop();
        key_started(in, queue, keys[which]);
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
