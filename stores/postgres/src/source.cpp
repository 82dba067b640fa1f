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
        bye.push_back({"select sign_off($1, $2, $3)",
                       parameters().add(me_).add(std::span(held.ids)).add(std::span(held.epochs))});
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
    // Both go over all that is dead. The others do it, and who has come for one job leaves without.
    looks_behind_ = clock::now() + 1s;
    looks_for_strays_ = clock::now() + 4 * how_.lease;
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
    return statement{"select note_waters($1, $2)", parameters().add(std::span(queues)).add(std::span(okeys))};
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

void source::begins_to_ask() {
    const std::lock_guard lock(mutex_);
    if (!asking_since_) asking_since_ = server_time_;
}

void source::has_asked() {
    const std::lock_guard lock(mutex_);
    if (!unsure_) asking_since_.reset();
}

// What it will ask for starts after `server_time_`.
std::int64_t source::held_since() {
    const std::lock_guard lock(mutex_);
    std::int64_t since = std::min(server_time_, asking_since_.value_or(server_time_));
    for (const auto& [id, claim] : held_) since = std::min(since, claim.since);
    return since;
}

void source::hear_the_time(std::int64_t now) {
    const std::lock_guard lock(mutex_);
    if (now < server_time_) {  // it was set back, and we do not know when
        for (auto& [id, claim] : held_) claim.since = 0;
        if (asking_since_) asking_since_ = 0;
    }
    server_time_ = now;
}

outcome<rows> source::beat_with(const jobs::pulse& how, line& by) {
    const claims held = held_claims(false);
    parameters with;
    with.add(me_)
        .add(name_)
        .add(how_.queues)
        .add(core_->ours.version)
        .add(std::int64_t{how_.lease.count()})
        .add(static_cast<std::int32_t>(how.workers))
        .add(static_cast<std::int32_t>(how.busy))
        .add(static_cast<std::int64_t>(how.completed))
        .add(static_cast<std::int64_t>(how.failed))
        .add(std::span(held.ids))
        .add(std::span(held.epochs));
    if (server_time_ == 0)
        with.null(oid::int8);
    else
        with.add(held_since());
    const statement heartbeat{"select * from beat($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", std::move(with)};
    auto answer = by.run(std::span(&heartbeat, 1), repeatable::yes);
    if (!answer) return failure(std::move(answer).error());
    hear_the_time(answer->front().number(0, 4));
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

}  // namespace gm::stores::pg
