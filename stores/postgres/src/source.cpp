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
    if (auto why = made->begin_where_others_are()) return failure(std::move(why->error));
    made->bell_ = made->core_->hearing.add(how.queues, how.bell);
    return std::unique_ptr<jobs::source>(std::move(made));
}

source::~source() {
    if (bell_) core_->hearing.remove(bell_);
    if (me_ == 0) return;
    const claims held = held_claims(true);
    std::vector<statement> bye;
    if (auto noting = notes_waters()) bye.push_back(*std::move(noting));
    if (unsure_)
        bye.push_back({"select sign_off($1)", parameters().add(me_)});
    else
        bye.push_back(
            {"select sign_off($1, $2, $3)", parameters().add(me_).add(std::span(held.ids)).add(std::span(held.epochs))});
    // If the server is away, the lease runs out instead.
    (void)working_.run(bye, repeatable::yes);
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

std::optional<fault> source::begin_where_others_are() {
    const statement question{"select queue, okey from water where queue = any($1)", parameters().add(how_.queues)};
    auto answer = working_.run(std::span(&question, 1), repeatable::yes);
    if (!answer) return std::move(answer).error();
    const rows& found = answer->front();
    const std::lock_guard lock(mutex_);
    for (int row = 0; row < found.count(); ++row) waters_[std::string(found.text(row, 0))] = found.number(row, 1);
    return std::nullopt;
}

std::optional<statement> source::notes_waters() {
    const auto [queues, okeys] = waters();
    if (queues.empty()) return std::nullopt;
    return statement{"select note_waters($1, $2)",
                     parameters().add(std::span(queues)).add(std::span(okeys))};
}

source::places source::waters() {
    const std::lock_guard lock(mutex_);
    places made;
    for (const auto& [queue, okey] : waters_) {
        made.queues.push_back(queue);
        made.okeys.push_back(okey);
    }
    return made;
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

// Each in a transaction of its own: one that has to wait for a lock does not hold up the others.
outcome<rows> source::sweep_with(std::string_view sql, parameters with) {
    const statement one{sql, std::move(with)};
    auto answer = sweeping_.run(std::span(&one, 1), repeatable::yes);
    if (!answer) return failure(std::move(answer).error());
    return std::move(answer->front());
}

// A chore that takes long, because a snapshot held open makes it, is done no more than a twentieth of the time.
template <class Work>
std::optional<fault> source::in_its_turn(clock::time_point& due, Work work) {
    const auto begun = clock::now();
    if (begun < due) return std::nullopt;
    std::optional<fault> why = work();
    const auto ended = clock::now();
    due = ended + 19 * (ended - begun);
    return why;
}

outcome<std::size_t> source::rescue() {
    std::int64_t good_for = 0;
    {
        const std::lock_guard lock(mutex_);
        if (good_since_) good_for = in_us(*last_good_ - *good_since_);
    }
    auto rescued = sweep_with("select rescue($1, $2, $3, $4)", parameters()
                                                                   .add(me_)
                                                                   .add(good_for)
                                                                   .add(std::int32_t{jobs::crash_cap})
                                                                   .add(std::int32_t{core_->options.limits.errors}));
    if (!rescued) return failure(std::move(rescued).error());
    return static_cast<std::size_t>(rescued->number(0, 0));
}

std::optional<fault> source::retire(std::size_t& removed) {
    constexpr std::int32_t batch = 1000;
    for (int round = 0; round < 10; ++round) {
        auto done = sweep_with("select retire($1)", parameters().add(batch));
        if (!done) return std::move(done).error();
        removed += static_cast<std::size_t>(done->number(0, 0));
        if (done->number(0, 0) < batch) break;
    }
    return std::nullopt;
}

std::optional<fault> source::tidy() {
    for (const char* const chore : {"select fold()", "select tidy()"})
        if (auto done = sweep_with(chore, {}); !done) return std::move(done).error();
    return std::nullopt;
}

std::optional<fault> source::look_behind() {
    const auto [queues, okeys] = waters();
    if (queues.empty()) return std::nullopt;
    auto late = sweep_with("select stragglers($1, $2)", parameters().add(std::span(queues)).add(std::span(okeys)));
    if (!late) return std::move(late).error();
    const std::vector<std::int64_t> lower = late->numbers(0, 0);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < std::min(lower.size(), queues.size()); ++i)
        if (lower[i] != 0) waters_[queues[i]] = std::min(waters_[queues[i]], lower[i]);
    return std::nullopt;
}

result<jobs::swept, jobs::store_error> source::sweep() {
    jobs::swept done;
    auto rescued = rescue();
    if (!rescued) return failure(std::move(rescued).error().error);
    done.rescued = *rescued;
    if (auto why = in_its_turn(retires_, [&] { return retire(done.removed); })) return failure(std::move(why->error));
    if (auto why = in_its_turn(tidies_, [&] { return tidy(); })) return failure(std::move(why->error));
    if (auto noting = notes_waters())
        if (auto noted = sweeping_.run(std::span(&*noting, 1), repeatable::yes); !noted)
            return failure(std::move(noted).error().error);
    if (auto why = in_its_turn(looks_behind_, [&] { return look_behind(); })) return failure(std::move(why->error));
    done.again_in = std::clamp<std::chrono::microseconds>(how_.lease / 3, 20ms, 1s);
    return done;
}

}  // namespace gm::stores::pg
