#include "source.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gm::stores::pg {

using namespace std::chrono_literals;

namespace {

std::string own_name() {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return std::string(host) + ":" + std::to_string(getpid());
}

template <class Duration>
std::int64_t in_us(Duration span) {
    return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

}  // namespace

source::source(std::shared_ptr<core> with, const jobs::subscription& how)
    : core_(std::move(with)),
      how_(how),
      name_(how.worker.empty() ? own_name() : how.worker),
      working_(core_->server, core_->pause),
      settling_(core_->server, core_->pause),
      beating_(core_->server, core_->pause),
      sweeping_(core_->server, core_->pause) {}

result<std::unique_ptr<jobs::source>, jobs::store_error> source::open(std::shared_ptr<core> with,
                                                                      const jobs::subscription& how) {
    std::unique_ptr<source> made(new source(std::move(with), how));
    if (auto why = made->sign_on()) return failure(std::move(why->error));
    made->bell_ = made->core_->hearing.add(how.queues, how.bell);
    return std::unique_ptr<jobs::source>(std::move(made));
}

source::~source() {
    if (bell_) core_->hearing.remove(bell_);
    // If the server is away, the lease runs out instead.
    if (me_ != 0) {
        const statement bye{"select sign_off($1)", parameters().add(me_)};
        (void)working_.run(std::span(&bye, 1), repeatable::yes);
    }
}

std::optional<fault> source::sign_on() {
    const statement number{"select nextval('worker_number')"};
    auto answer = working_.run(std::span(&number, 1), repeatable::yes);
    if (!answer) return std::move(answer).error();
    me_ = answer->front().number(0, 0);
    if (auto first = beat_with({}, working_); !first) return std::move(first).error();
    good_since_ = last_good_ = clock::now();
    return std::nullopt;
}

void source::mark_finishing(std::span<const jobs::settlement> finishes, bool finishing) {
    const std::lock_guard lock(mutex_);
    for (const jobs::settlement& each : finishes)
        if (const auto found = held_.find(each.which.first);
            found != held_.end() && found->second.epoch == each.which.second)
            found->second.finishing = finishing;
}

void source::forget(const jobs::settlement& end) {
    const std::lock_guard lock(mutex_);
    if (const auto found = held_.find(end.which.first); found != held_.end() && found->second.epoch == end.which.second)
        held_.erase(found);
}

source::claims source::held_claims(bool finishing_too) {
    const std::lock_guard lock(mutex_);
    claims made;
    for (const auto& [id, claim] : held_) {
        if (claim.finishing && !finishing_too) continue;
        made.ids.push_back(id);
        made.epochs.push_back(claim.epoch);
    }
    return made;
}

outcome<rows> source::beat_with(const jobs::pulse& how, line& by) {
    const claims held = held_claims(false);
    const statement heartbeat{"select * from beat($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                              parameters()
                                  .add(me_)
                                  .add(name_)
                                  .add(how_.queues)
                                  .add(core_->ours.version)
                                  .add(std::int64_t{how_.lease.count()})
                                  .add(static_cast<std::int32_t>(how.workers))
                                  .add(static_cast<std::int32_t>(how.busy))
                                  .add(static_cast<std::int64_t>(how.completed))
                                  .add(static_cast<std::int64_t>(how.failed))
                                  .add(std::span(held.ids))
                                  .add(std::span(held.epochs))};
    auto answer = by.run(std::span(&heartbeat, 1), repeatable::yes);
    if (!answer) return failure(std::move(answer).error());
    return std::move(answer->front());
}

result<jobs::beaten, jobs::store_error> source::beat(const jobs::pulse& how) {
    const outcome<rows> answer = beat_with(how, beating_);
    const auto now = clock::now();
    std::unique_lock lock(mutex_);
    if (!answer) {
        good_since_.reset();
        return failure(answer.error().error);
    }
    const bool had_passed = answer->flag(0, 2);
    if (!good_since_ || had_passed) good_since_ = now;
    last_good_ = now;
    jobs::beaten told;
    if (!answer->is_null(0, 3)) told.workers_wanted = static_cast<unsigned>(answer->number(0, 3));
    for (int row = 1; row < answer->count(); ++row) {
        const jobs::token which{answer->number(row, 0), answer->number(row, 1)};
        const bool lost = answer->flag(row, 2);
        // Its end may have been settled while the question was on its way.
        const auto found = held_.find(which.first);
        if (found == held_.end() || found->second.epoch != which.second || found->second.finishing) continue;
        (lost ? told.lost : told.cancelled).push_back(which);
        if (lost) held_.erase(found);
    }
    lock.unlock();
    if (had_passed && how_.bell) how_.bell();  // it was given nothing meanwhile
    return told;
}

result<jobs::swept, jobs::store_error> source::sweep() {
    const auto begun = clock::now();
    std::int64_t good_for = 0;
    std::vector<std::string> queues;
    std::vector<std::int64_t> waters;
    {
        const std::lock_guard lock(mutex_);
        if (good_since_) good_for = in_us(*last_good_ - *good_since_);
        for (const auto& [queue, water] : waters_) {
            queues.push_back(queue);
            waters.push_back(water);
        }
    }
    // Each in a transaction of its own: one that has to wait for a lock does not hold up the others.
    const auto ask = [&](std::string_view sql, parameters with) -> outcome<rows> {
        const statement one{sql, std::move(with)};
        auto answer = sweeping_.run(std::span(&one, 1), repeatable::yes);
        if (!answer) return failure(std::move(answer).error());
        return std::move(answer->front());
    };
    jobs::swept done;
    auto rescued = ask("select rescue($1, $2, $3, $4)", parameters()
                                                            .add(me_)
                                                            .add(good_for)
                                                            .add(std::int32_t{jobs::crash_cap})
                                                            .add(std::int32_t{core_->options.limits.errors}));
    if (!rescued) return failure(std::move(rescued).error().error);
    done.rescued = static_cast<std::size_t>(rescued->number(0, 0));
    constexpr std::int32_t batch = 1000;
    for (int round = 0; round < 10; ++round) {
        auto removed = ask("select retire($1)", parameters().add(batch));
        if (!removed) return failure(std::move(removed).error().error);
        done.removed += static_cast<std::size_t>(removed->number(0, 0));
        if (removed->number(0, 0) < batch) break;
    }
    for (const char* const chore : {"select fold()", "select tidy()"})
        if (auto tidied = ask(chore, {}); !tidied) return failure(std::move(tidied).error().error);
    if (!queues.empty()) {
        auto late = ask("select stragglers($1, $2)", parameters().add(std::span(queues)).add(std::span(waters)));
        if (!late) return failure(std::move(late).error().error);
        const std::vector<std::int64_t> lower = late->numbers(0, 0);
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < std::min(lower.size(), queues.size()); ++i)
            if (lower[i] != 0) waters_[queues[i]] = std::min(waters_[queues[i]], lower[i]);
    }
    // Every second, or three times a lease; but no more than a twentieth of the time, if a snapshot held open makes it slow.
    const auto cost = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun);
    done.again_in = std::max(std::clamp<std::chrono::microseconds>(how_.lease / 3, 20ms, 1s), cost * 20);
    return done;
}

}  // namespace gm::stores::pg
