#include "claim.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "codec.hpp"
#include "keys.hpp"
#include "pick.hpp"
#include "unique.hpp"
#include "workers.hpp"

namespace gm::stores::sqlite {

using jobs::delivery;
using jobs::state;
using jobs::unique_for;

namespace {

// Jobs whose time has come are made available by whoever claims. At most so many at once, the earliest first, so that a million
// of them does not hold everybody up; the rest follow with the next claims.
constexpr std::int64_t most_promoted = 2'000;

void promote(session& in, queue_row& queue) {
    struct due {
        std::int64_t id;
        state from;
        std::string key;
        micros rank;
        bool suspect;
    };
    std::vector<due> found;
    {
        query asking = in.db().ask(
            "SELECT id, state, key, rank, crashes FROM gm_jobs INDEXED BY gm_due WHERE queue = ? AND state IN (1, 4)"
            " AND run_at <= ? ORDER BY run_at LIMIT ?",
            queue.number, in.now(), most_promoted);
        while (asking.step())
            found.push_back({asking.integer(0), static_cast<state>(asking.integer(1)), asking.text(2),
                             asking.integer(3), asking.integer(4) > 0});
    }
    for (const due& each : found) {
        in.db().run("UPDATE gm_jobs SET state = 2 WHERE id = ?", each.id);
        in.moved(queue, each.from, state::available);
        if (!each.suspect) key_arrived(in, queue, each.key, {each.rank, each.id});
    }
}

// How many more starts the limits of the queue as a whole allow.
std::size_t room_in(session& in, queue_row& queue) {
    if (queue.paused) return 0;
    std::size_t room = std::numeric_limits<std::size_t>::max();
    if (queue.limits.running != 0)
        room = static_cast<std::size_t>(std::max<std::int64_t>(0, queue.limits.running - queue.running));
    if (queue.limits.rate > 0) {
        if (in.now() < queue.refilled) queue.changed = true;  // the clock was set back: it fills from here on
        queue.tokens = tokens_at(queue.tokens, queue.refilled, queue.limits.rate, queue.limits.burst, in.now());
        queue.refilled = in.now();
        room = std::min(room, static_cast<std::size_t>(std::max(0.0, std::floor(queue.tokens))));
    }
    return room;
}

delivery delivered(session& in, const claimant& who, picked&& job) {
    in.db().run("UPDATE gm_jobs SET state = 3, epoch = epoch + 1 WHERE id = ?", job.id.number);
    in.db().run("INSERT INTO gm_running (worker, job, ran_by, started) VALUES (?, ?, ?, ?)", who.worker, job.id.number,
                who.name, in.now());
    queue_row& queue = in.queue(job.queue);
    in.moved(queue, state::available, state::running);
    if (queue.limits.rate > 0) queue.tokens -= 1;
    if (job.unique && job.unique->until == unique_for::started) release_key(in, job.kind, job.unique->key, job.id);
    delivery made;
    made.which = {job.id.number, job.epoch + 1, who.worker};
    made.id = job.id;
    made.kind = in.name_of(job.kind);
    made.queue = queue.name;
    made.key = std::move(job.key);
    made.arguments = std::move(job.arguments);
    made.tags = std::move(job.tags);
    made.attempt = job.attempts + 1;
    made.crashes = job.crashes;
    made.inserted = time_of(job.inserted);
    made.run_at = time_of(job.run_at);
    made.timeout = std::chrono::microseconds(job.timeout);
    made.retry = job.retry;
    made.has_steps = job.has_steps;
    return made;
}

// The queues take turns: each gets the same share of what is wanted, and what one does not need goes to the others. First what
// idle workers start at once, and then what is to be at hand beyond that: it takes places though it does not run, so of a
// queue with limits no more than leaves something for each hand of its other workers.
class turns {
public:
    turns(session& in, const claimant& who, const jobs::demand& wanted) : in_(in), who_(who), wanted_(wanted) {
        for (std::size_t i = 0; i != who.queues.size(); ++i) {
            const std::string& name = who.queues[(who.turn + i) % who.queues.size()];
            if (const auto number = in.find_queue(name)) queues_.push_back(*number);
        }
    }

    claims take() {
        for (const std::int64_t number : queues_) promote(in_, in_.queue(number));
        if (wanted_.which == jobs::claim::suspect) {
            take_suspect();
        } else {
            take_ordinary(wanted_.idle, false);
            if (made_.jobs.size() == wanted_.idle) take_ordinary(wanted_.ahead, true);
        }
        made_.suspects = std::ranges::any_of(queues_, [&](std::int64_t number) {
            queue_row& queue = in_.queue(number);
            return room_in(in_, queue) != 0 && pick_suspect(in_, queue);
        });
        made_.next_in = next_time();
        return std::move(made_);
    }

private:
    struct line {
        queue_row& queue;
        std::size_t spared = 0;  // so many are left for others
        std::vector<delivery> jobs{};
        bool dry = false;
    };

    void take_ordinary(std::size_t wanted, bool ahead) {
        if (wanted == 0) return;
        std::vector<line> lines;
        for (const std::int64_t number : queues_) {
            queue_row& queue = in_.queue(number);
            const std::optional<std::size_t> spared = ahead ? to_spare(queue) : 0;
            if (spared) lines.push_back({queue, *spared});
        }
        std::size_t taken = 0;
        while (taken < wanted) {
            const auto wet = static_cast<std::size_t>(std::ranges::count(lines, false, &line::dry));
            if (wet == 0) break;
            const std::size_t share = (wanted - taken + wet - 1) / wet;
            for (line& each : lines)
                if (!each.dry) taken += take_from(each, std::min(share, wanted - taken));
        }
        weave(lines, taken);
    }

    // None: it gives nothing ahead.
    std::optional<std::size_t> to_spare(const queue_row& queue) {
        if (!queue.limited()) return 0;
        if (queue.has_rate()) return std::nullopt;
        return hands_of_others(in_, who_.worker, queue.name);
    }

    std::size_t take_from(line& which, std::size_t share) {
        const std::size_t room = room_in(in_, which.queue);
        const std::size_t most = std::min(share, room - std::min(room, which.spared));
        std::vector<picked> found;
        if (most != 0)
            found =
                which.queue.by_key() ? pick_by_key(in_, which.queue, most, which.spared) : pick(in_, which.queue, most);
        which.dry = found.size() < share;
        for (picked& each : found) which.jobs.push_back(delivered(in_, who_, std::move(each)));
        return found.size();
    }

    void weave(std::vector<line>& lines, std::size_t left) {
        for (std::size_t i = 0; left != 0; ++i)
            for (line& each : lines)
                if (i < each.jobs.size()) {
                    made_.jobs.push_back(std::move(each.jobs[i]));
                    --left;
                }
    }

    void take_suspect() {
        if (wanted_.idle == 0) return;
        for (const std::int64_t number : queues_) {
            queue_row& queue = in_.queue(number);
            if (room_in(in_, queue) == 0) continue;
            std::optional<picked> found = pick_suspect(in_, queue);
            if (!found) continue;
            if (queue.by_key()) key_started(queue, in_.key(queue, found->key), in_.now());
            made_.jobs.push_back(delivered(in_, who_, std::move(*found)));
            return;
        }
    }

    std::optional<std::chrono::microseconds> next_time() {
        std::optional<micros> next;
        const auto sooner = [&next](std::optional<micros> at) {
            if (at && (!next || *at < *next)) next = at;
        };
        for (const std::int64_t number : queues_) {
            queue_row& queue = in_.queue(number);
            if (queue.paused) continue;
            sooner(
                in_.db().number("SELECT run_at FROM gm_jobs INDEXED BY gm_due WHERE queue = ? AND state IN (1, 4)"
                                " ORDER BY run_at LIMIT 1",
                                number));
            if (queue.available == 0) continue;
            if (queue.limits.running != 0 && queue.running >= queue.limits.running) continue;
            if (queue.limits.rate > 0 && queue.tokens < 1)
                sooner(token_time(queue.tokens, queue.limits.rate, in_.now()));
            if (queue.limits.rate_per_key > 0) {
                in_.flush_keys(queue);
                sooner(in_.db().number("SELECT min(opens) FROM gm_keys WHERE queue = ? AND opens IS NOT NULL", number));
            }
        }
        if (!next) return std::nullopt;
        return std::chrono::microseconds(std::max<micros>(0, *next - in_.now()));
    }

    session& in_;
    const claimant& who_;
    const jobs::demand& wanted_;
    std::vector<std::int64_t> queues_;
    claims made_;
};

}  // namespace

void promote_all(session& in) {
    std::vector<std::int64_t> queues;
    {
        query asking = in.db().ask("SELECT number FROM gm_queues");
        while (asking.step()) queues.push_back(asking.integer(0));
    }
    for (const std::int64_t number : queues) promote(in, in.queue(number));
}

claims claim(session& in, const claimant& who, const jobs::demand& wanted) { return turns(in, who, wanted).take(); }

}  // namespace gm::stores::sqlite
