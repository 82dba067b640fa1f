#include <algorithm>
#include <utility>

#include "source.hpp"

namespace gm::stores::pg {

using namespace std::chrono_literals;

// Each in a transaction of its own: one that has to wait for a lock does not hold up the others.
outcome<rows> source::sweep_with(std::string_view sql, parameters with) {
    const statement one{sql, std::move(with)};
    auto answer = sweeping_.run(std::span(&one, 1), repeatable::yes);
    if (!answer) return failure(std::move(answer).error());
    return std::move(answer->front());
}

std::optional<fault> source::rescue(jobs::swept& done) {
    std::int64_t good_for = 0;
    {
        const std::lock_guard lock(mutex_);
        if (good_since_)
            good_for = std::chrono::duration_cast<std::chrono::microseconds>(*last_good_ - *good_since_).count();
    }
    auto rescued = sweep_with("select rescue($1, $2, $3, $4)", parameters()
                                                                   .add(me_)
                                                                   .add(good_for)
                                                                   .add(std::int32_t{jobs::crash_cap})
                                                                   .add(std::int32_t{core_->options.limits.errors}));
    if (!rescued) return std::move(rescued).error();
    done.rescued += static_cast<std::size_t>(rescued->number(0, 0));
    return std::nullopt;
}

// As long as there is more of it, it is done again at once.
std::optional<fault> source::retire(jobs::swept& done) {
    constexpr std::int32_t batch = 1000;
    for (int round = 0; round < 10; ++round) {
        auto removed = sweep_with("select retire($1)", parameters().add(batch));
        if (!removed) return std::move(removed).error();
        done.removed += static_cast<std::size_t>(removed->number(0, 0));
        if (removed->number(0, 0) < batch) return std::nullopt;
    }
    done.again_in = 0us;
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

std::optional<fault> source::take_back_strays(jobs::swept& done) {
    auto found =
        sweep_with("select strays($1, $2)",
                   parameters().add(std::int32_t{jobs::crash_cap}).add(std::int32_t{core_->options.limits.errors}));
    if (!found) return std::move(found).error();
    done.rescued += static_cast<std::size_t>(found->number(0, 0));
    return std::nullopt;
}

// A chore that takes long, because a snapshot held open makes it, is done no more than a twentieth of the time.
template <class Work>
std::optional<fault> source::in_its_turn(clock::time_point& due, clock::duration pause, Work work) {
    const auto begun = clock::now();
    if (begun < due) return std::nullopt;
    std::optional<fault> why = work();
    const auto ended = clock::now();
    due = ended + std::max(pause, 19 * (ended - begun));
    return why;
}

std::optional<fault> source::do_chores(jobs::swept& done) {
    if (auto why = rescue(done)) return why;
    if (auto why = in_its_turn(retires_, 0s, [&] { return retire(done); })) return why;
    if (done.again_in == 0us) retires_ = {};
    if (auto why = in_its_turn(tidies_, 0s, [&] { return tidy(); })) return why;
    if (auto noting = notes_waters())
        if (auto noted = sweeping_.run(std::span(&*noting, 1), repeatable::yes); !noted)
            return std::move(noted).error();
    if (auto why = in_its_turn(looks_behind_, 0s, [&] { return look_behind(); })) return why;
    return in_its_turn(looks_for_strays_, 4 * how_.lease, [&] { return take_back_strays(done); });
}

result<jobs::swept, jobs::store_error> source::sweep() {
    jobs::swept done{.again_in = std::clamp<std::chrono::microseconds>(how_.lease / 3, 20ms, 1s)};
    if (auto why = do_chores(done)) return failure(std::move(why->error));
    return done;
}

}  // namespace gm::stores::pg
