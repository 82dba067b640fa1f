// What running jobs record besides their end. All of it is refused when the claim is no longer its worker's.
#include <algorithm>

#include "ledger.hpp"

namespace gm::stores::sqlite {

using jobs::settled;
using jobs::store_error;
using jobs::store_fault;
using jobs::token;

namespace {

bool is_good(session& in, const token& which) {
    return in.db()
        .number(
            "SELECT 1 FROM gm_jobs JOIN gm_running ON worker = ?3 AND job = ?1 WHERE id = ?1 AND state = 3 AND epoch = "
            "?2",
            which.first, which.second, which.third)
        .has_value();
}

// The first half is filled first, then the last half, of which the oldest goes when it is full.
class log {
public:
    log(session& in, const token& which) : in_(in), job_(which.first), epoch_(which.second) {
        query asking =
            in.db().ask("SELECT first, last, left_out FROM gm_logs WHERE job = ? AND epoch = ?", job_, epoch_);
        if (!asking.step()) return;
        first_ = asking.integer(0);
        last_ = asking.integer(1);
        left_out_ = asking.integer(2);
    }

    void append(std::string_view text) {
        const auto most = static_cast<std::int64_t>(in_.limits().log);
        const std::int64_t first_half = most / 2, last_half = most - first_half;
        if (first_ < first_half && last_ == 0) {
            const std::string_view fits = text.substr(0, static_cast<std::size_t>(first_half - first_));
            add(fits, false);
            first_ += static_cast<std::int64_t>(fits.size());
            text.remove_prefix(fits.size());
        }
        if (!text.empty()) {
            add(text, true);
            last_ += static_cast<std::int64_t>(text.size());
            while (last_ > last_half) drop(last_ - last_half);
        }
        in_.db().run("INSERT OR REPLACE INTO gm_logs (job, epoch, first, last, left_out) VALUES (?, ?, ?, ?, ?)", job_,
                     epoch_, first_, last_, left_out_);
    }

private:
    void add(std::string_view text, bool last) {
        if (text.empty()) return;
        in_.db().run(
            "INSERT INTO gm_log_chunks (job, epoch, number, last, text) VALUES (?1, ?2, coalesce((SELECT max(number) + "
            "1 FROM"
            " gm_log_chunks WHERE job = ?1 AND epoch = ?2), 0), ?3, ?4)",
            job_, epoch_, last ? 1 : 0, blob{text});
    }

    // Up to so many bytes from the front of the last half: a whole chunk, or a part of one.
    void drop(std::int64_t bytes) {
        std::int64_t number = 0, size = 0;
        {
            query oldest = in_.db().ask(
                "SELECT number, length(text) FROM gm_log_chunks WHERE job = ? AND epoch = ? AND last = 1 ORDER BY "
                "number LIMIT 1",
                job_, epoch_);
            if (!oldest.step()) fail(store_fault::damaged, in_.db().path() + ": a log's length is wrong");
            number = oldest.integer(0);
            size = oldest.integer(1);
        }
        if (size <= bytes)
            in_.db().run("DELETE FROM gm_log_chunks WHERE job = ? AND epoch = ? AND number = ?", job_, epoch_, number);
        else
            in_.db().run(
                "UPDATE gm_log_chunks SET text = substr(text, ?4 + 1) WHERE job = ?1 AND epoch = ?2 AND number = ?3",
                job_, epoch_, number, bytes);
        const std::int64_t gone = std::min(size, bytes);
        last_ -= gone;
        left_out_ += gone;
    }

    session& in_;
    const std::int64_t job_, epoch_;
    std::int64_t first_ = 0, last_ = 0, left_out_ = 0;
};

settled note_one(session& in, const jobs::job_note& what) {
    if (!is_good(in, what.which)) return settled::refused;
    const std::int64_t job = what.which.first;
    if (what.progress)
        in.db().run("UPDATE gm_jobs SET progress = ?2 WHERE id = ?1", job, std::clamp(*what.progress, 0.0, 1.0));
    if (!what.note.empty()) in.db().run("UPDATE gm_jobs SET note = ?2 WHERE id = ?1", job, what.note);
    if (!what.log.empty()) {
        log(in, what.which).append(what.log);
        in.db().run("UPDATE gm_jobs SET has_past = 1 WHERE id = ? AND has_past = 0", job);
    }
    return settled::yes;
}

}  // namespace

result<std::vector<settled>, store_error> file_ledger::note(std::span<const jobs::job_note> notes) {
    return writer_.run_as_value([&](session& in) {
        std::vector<settled> outcomes;
        outcomes.reserve(notes.size());
        for (const jobs::job_note& each : notes) outcomes.push_back(note_one(in, each));
        return outcomes;
    });
}

// The same name again: the later one counts.
result<settled, store_error> file_ledger::put_step(token which, const jobs::step& done) {
    if (done.name.empty() || done.name.size() > limits_.name)
        return failure(store_error{store_fault::invalid, "step: its name is empty or too long"});
    if (done.result.bytes.size() > limits_.result)
        return failure(store_error{store_fault::invalid, "step '" + done.name + "': its result is too long"});
    return writer_.run_as_value([&](session& in) {
        if (!is_good(in, which)) return settled::refused;
        in.db().run(
            "INSERT INTO gm_steps (job, number, name, result, type) VALUES (?1, coalesce((SELECT max(number) + 1 FROM "
            "gm_steps"
            " WHERE job = ?1), 0), ?2, ?3, ?4) ON CONFLICT (job, name) DO UPDATE SET result = excluded.result,"
            " type = excluded.type",
            which.first, done.name, blob{done.result.bytes}, done.result.type);
        in.db().run("UPDATE gm_jobs SET has_steps = 1, has_past = 1 WHERE id = ? AND has_steps = 0", which.first);
        return settled::yes;
    });
}

}  // namespace gm::stores::sqlite
