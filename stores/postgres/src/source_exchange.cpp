#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "encode.hpp"
#include "source.hpp"

namespace gm::stores::pg {

using namespace std::chrono_literals;

namespace {

// At the end, and not within a character.
std::string_view cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return text.substr(0, most);
}

std::string_view reason_of(const jobs::settlement& end) {
    if (end.what == jobs::verdict::interrupted && end.error.empty()) return "interrupted: its worker stopped";
    return end.error;
}

parameters settle_parameters(std::int64_t me, std::span<const jobs::settlement> finishes,
                             const jobs::size_limits& limits) {
    array_parameter ids, epochs, verdicts, ats, rans, overlapped, results, types, errors;
    bool has_results = false, has_types = false, has_errors = false, has_times = false;
    for (const jobs::settlement& each : finishes) {
        ids.add(each.which.first);
        epochs.add(each.which.second);
        verdicts.add(static_cast<std::int16_t>(each.what));
        ats.add(us(each.at));
        rans.add(std::int64_t{each.ran.count()});
        overlapped.add(each.overlapping);
        const auto optional = [](array_parameter& to, std::string_view text) {
            if (text.empty())
                to.null();
            else
                to.add(text);
            return !text.empty();
        };
        has_times |= each.at != jobs::wall_time();
        has_results |= optional(results, each.result.bytes);
        has_types |= optional(types, each.result.type);
        has_errors |= optional(errors, cut(reason_of(each), limits.error));
    }
    parameters to;
    to.add(me).add(ids, oid::int8_array).add(epochs, oid::int8_array).add(verdicts, oid::int2_array);
    const auto column = [&](bool there, const array_parameter& values, unsigned type) {
        if (there)
            to.add(values, type);
        else
            to.null(type);
    };
    column(has_times, ats, oid::int8_array);
    to.add(rans, oid::int8_array).add(overlapped, oid::boolean_array);
    column(has_results, results, oid::bytea_array);
    column(has_types, types, oid::text_array);
    column(has_errors, errors, oid::bytea_array);
    to.add(std::int32_t{limits.errors});
    return to;
}

// A claim has one end, the first; the server takes those of a call all at once and not one after the other. Another one beside
// it is told as if it had come later: the same verdict is settled, a different one refused.
class one_end_each {
public:
    explicit one_end_each(std::span<const jobs::settlement> all) : all_(all) {
        std::map<jobs::token, std::size_t> seen;
        for (const jobs::settlement& each : all)
            first_.push_back(seen.try_emplace(each.which, seen.size()).first->second);
        if (seen.size() == all.size()) return;
        for (std::size_t i = 0; i != all.size(); ++i)
            if (first_[i] == kept_.size()) kept_.push_back(all[i]);
    }

    std::span<const jobs::settlement> ends() const noexcept { return kept_.empty() ? all_ : kept_; }
    std::vector<jobs::settled> outcomes_of_all(std::vector<jobs::settled> of_ends) const {
        if (kept_.empty()) return of_ends;
        std::vector<jobs::settled> outcomes;
        for (std::size_t i = 0; i != all_.size(); ++i)
            outcomes.push_back(all_[i].what == kept_[first_[i]].what ? of_ends[first_[i]] : jobs::settled::refused);
        return outcomes;
    }

private:
    std::span<const jobs::settlement> all_;
    std::vector<std::size_t> first_;      // of each, where its claim's end stands in ends()
    std::vector<jobs::settlement> kept_;  // empty: they are all of different claims
};

}  // namespace

void source::add_claim(std::vector<statement>& list, const jobs::demand& wanted,
                       std::span<const jobs::settlement> beside) {
    const std::size_t count = how_.queues.size();
    std::vector<std::string> queues;
    std::vector<std::int64_t> waters;
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < count; ++i) {
            queues.push_back(how_.queues[(turn_ + i) % count]);
            const auto found = waters_.find(queues.back());
            waters.push_back(found == waters_.end() ? INT64_MIN : found->second);
        }
    }
    std::vector<jobs::token> over;
    for (const jobs::settlement& each : beside) over.push_back(each.which);
    std::ranges::sort(over);
    std::vector<std::int64_t> ids, epochs;
    for (const jobs::token& each : over) {
        ids.push_back(each.first);
        epochs.push_back(each.second);
    }
    constexpr std::size_t most = 10'000;
    list.push_back({"select * from hand_out($1, $2, $3, $4, $5, $6, $7, $8)",
                    parameters()
                        .add(me_)
                        .add(std::span(std::as_const(queues)))
                        .add(std::span(std::as_const(waters)))
                        .add(static_cast<std::int32_t>(std::min(wanted.idle, most)))
                        .add(static_cast<std::int32_t>(std::min(wanted.ahead, most)))
                        .add(wanted.which == jobs::claim::suspect)
                        .add(std::span(std::as_const(ids)))
                        .add(std::span(std::as_const(epochs))),
                    "select * from hand_out"});
    list.push_back({"select * from look($1)", parameters().add(how_.queues), "select * from look"});
}

// The rows of a claim as their jobs should start: by their turns, else by their places.
std::vector<int> source::in_order(const rows& claimed) {
    constexpr int id = 0, okey = 2, turn = 17;
    struct place {
        std::int64_t turn, okey, id;
        int row;
    };
    std::vector<place> line;
    for (int row = 0; row < claimed.count(); ++row)
        line.push_back({claimed.number(row, turn), claimed.number(row, okey), claimed.number(row, id), row});
    std::ranges::sort(line, {}, [](const place& of) { return std::tie(of.turn, of.okey, of.id); });
    std::vector<int> order;
    for (const place& each : line) order.push_back(each.row);
    return order;
}

void source::take(const rows& claimed, const std::vector<int>& order, jobs::exchanged& to) {
    const std::lock_guard lock(mutex_);
    for (const int row : order) {
        reader from(claimed, row);
        jobs::delivery job;
        job.which.first = from.number();
        job.which.second = from.number();
        job.id = {job.which.first};
        const std::int64_t okey = from.number();
        job.inserted = at_us(from.number());
        job.run_at = at_us(from.number());
        job.timeout = std::chrono::microseconds(from.number());
        job.attempt = from.small() + 1;
        job.crashes = from.small();
        const bool late = from.flag();
        job.has_steps = from.flag();
        job.kind = from.text();
        job.queue = from.text();
        job.key = from.text();
        job.arguments.bytes = from.text();
        job.arguments.type = from.text();
        job.tags = from.texts();
        job.retry = retry_of(from.reals());
        held_[job.id.number] = {job.which.second, asking_since_.value_or(0), job.crashes > 0};
        if (!late && job.crashes == 0) {
            auto& water = waters_.try_emplace(job.queue, INT64_MIN).first->second;
            water = std::max(water, okey);
        }
        to.jobs.push_back(std::move(job));
    }
}

// Who holds a suspect gets nothing beside it, and who wants one holds nothing.
bool source::may_claim(jobs::claim which) {
    const std::lock_guard lock(mutex_);
    return std::ranges::none_of(held_, [which](const auto& each) {
        return !each.second.finishing && (which == jobs::claim::suspect || each.second.suspect);
    });
}

// The queues gave their shares one after the other; they start job by job in turns.
void source::take_turns(jobs::exchanged& to) {
    const std::size_t count = how_.queues.size();
    if (count == 1 || to.jobs.empty()) return;
    std::map<std::string, std::deque<jobs::delivery>> by_queue;
    for (jobs::delivery& each : to.jobs) by_queue[each.queue].push_back(std::move(each));
    for (std::size_t left = std::exchange(to.jobs, {}).size(); left > 0; turn_ = (turn_ + 1) % count) {
        auto& line = by_queue[how_.queues[turn_]];
        if (line.empty()) continue;
        to.jobs.push_back(std::move(line.front()));
        line.pop_front();
        --left;
    }
}

// Ends and claim are most of the server's work, and it does them in half the time on two connections. Two commits for one: only
// where both are large.
bool source::goes_apart(std::size_t ends, const jobs::demand& wanted) {
    constexpr std::size_t much = 500;
    if (unsure_ || claimed_ < much || ends < much || wanted.idle + wanted.ahead < much) return false;
    if (clock::now() < apart_from_) return false;
    if (settling_.open()) return true;
    apart_from_ = clock::now() + 10s;
    return false;
}

// Each in a transaction of its own, both at once; the answers as if they had been one list. If only the claim went well, what it
// brought is not known to us, and is delivered by the next exchange.
outcome<std::vector<rows>> source::run_apart(std::span<const statement> ends, std::span<const statement> claim) {
    if (auto why = working_.ask(claim)) return failure(*std::move(why));
    auto why = settling_.ask(ends);
    auto claimed = working_.hear();
    auto settled = why ? failure(*std::move(why)) : settling_.hear();
    if (!settled) {
        fault of_both = std::move(settled).error();
        of_both.ambiguous = of_both.ambiguous || claimed || claimed.error().ambiguous;
        return failure(std::move(of_both));
    }
    if (!claimed) return claimed;
    std::ranges::move(*claimed, std::back_inserter(*settled));
    return settled;
}

outcome<jobs::exchanged> source::transact(std::span<const jobs::settlement> finishes, const jobs::demand& wanted) {
    begins_to_ask();
    auto made = ask_for(finishes, wanted);
    has_asked();
    return made;
}

outcome<jobs::exchanged> source::ask_for(std::span<const jobs::settlement> finishes, const jobs::demand& wanted) {
    const bool was_unsure = unsure_;
    // What it does not know of may be a suspect: first things first.
    const bool asks = wanted.idle + wanted.ahead > 0 && !was_unsure;
    std::vector<statement> list;
    if (!finishes.empty())
        list.push_back({"select settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                        settle_parameters(me_, finishes, core_->options.limits), "select settle"});
    const std::size_t ends = list.size();
    if (was_unsure) {
        const claims held = held_claims(true);
        list.push_back({"select * from forgotten($1, $2, $3)",
                        parameters().add(me_).add(std::span(held.ids)).add(std::span(held.epochs))});
    }
    const bool apart = asks && goes_apart(finishes.size(), wanted);
    if (asks)
        add_claim(list, may_claim(wanted.which) ? wanted : jobs::demand{.idle = 0, .which = wanted.which},
                  apart ? finishes : std::span<const jobs::settlement>());
    if (list.empty()) return jobs::exchanged{};

    const std::span all(list);
    auto answers = apart ? run_apart(all.first(ends), all.subspan(ends)) : working_.run(all, repeatable::no);
    claimed_ = 0;
    if (!answers) {
        unsure_ = unsure_ || answers.error().ambiguous;
        return failure(std::move(answers).error());
    }
    jobs::exchanged made;
    auto answer = answers->begin();
    if (!finishes.empty()) {
        made.outcomes.assign(finishes.size(), jobs::settled::yes);
        const std::vector<std::int64_t> codes = answer->numbers(0, 0);
        // What was refused is told as lost by the next beat, too.
        mark_finishing(finishes, false);
        for (std::size_t i = 0; i < finishes.size(); ++i)
            if (i < codes.size() && codes[i] != 0)
                made.outcomes[i] = jobs::settled::refused;
            else
                forget(finishes[i]);
        ++answer;
    }
    if (was_unsure) {
        std::vector<int> as_they_come(static_cast<std::size_t>(answer->count()));
        std::iota(as_they_come.begin(), as_they_come.end(), 0);
        take(*answer++, as_they_come, made);
    }
    unsure_ = false;
    if (asks) {
        take(*answer, in_order(*answer), made);
        ++answer;
        take_turns(made);
        made.suspects = answer->flag(0, 0);
        if (!answer->is_null(0, 1)) made.next_in = std::chrono::microseconds(answer->number(0, 1));
        const std::size_t got = made.jobs.size();
        if (apart && (got == 0 || got < wanted.idle)) claim_rest(made, wanted);
        claimed_ = got;
    }
    return made;
}

// A claim beside the ends does not see what they give back, or let go that waited for them.
void source::claim_rest(jobs::exchanged& made, const jobs::demand& wanted) {
    const std::size_t has = made.jobs.size(), idle = std::min(wanted.idle, has);
    auto rest = ask_for({}, {.idle = wanted.idle - idle, .ahead = wanted.ahead - (has - idle), .which = wanted.which});
    if (!rest) {
        made.next_in = 0us;  // the ends are settled; whoever asks again is told why
        return;
    }
    std::ranges::move(rest->jobs, std::back_inserter(made.jobs));
    made.suspects = rest->suspects;
    made.next_in = rest->next_in;
}

// Nothing to do: from now on inserts notify us. What was inserted before they could know is looked for once more.
outcome<jobs::exchanged> source::lie_down(const jobs::demand& wanted) {
    const statement sleeps{"insert into sleeper (queue, worker) select unnest($1), $2 on conflict do nothing",
                           parameters().add(how_.queues).add(me_)};
    auto done = working_.run(std::span(&sleeps, 1), repeatable::yes);
    if (!done) return failure(std::move(done).error());
    sleeping_ = true;
    return transact({}, wanted);
}

result<jobs::exchanged, jobs::store_error> source::exchange(std::span<const jobs::settlement> all,
                                                            const jobs::demand& wanted) {
    const one_end_each claims(all);
    const std::span<const jobs::settlement> finishes = claims.ends();
    const std::size_t most = core_->options.limits.result;
    for (const jobs::settlement& each : finishes)
        if (each.result.bytes.size() > most)
            return failure(
                jobs::store_error{jobs::store_fault::invalid, "result: " + std::to_string(each.result.bytes.size()) +
                                                                  " bytes, of " + std::to_string(most) + " allowed"});
    mark_finishing(finishes, true);
    outcome<jobs::exchanged> made = transact(finishes, wanted);
    // One more try where it is known to help: the connection was old, two transactions stood in each other's way.
    if (!made && (made.error().lost || made.error().is("40P01"))) made = transact(finishes, wanted);
    if (!made) {
        mark_finishing(finishes, false);
        return failure(std::move(made).error().error);
    }
    made->outcomes = claims.outcomes_of_all(std::move(made->outcomes));
    if (wanted.idle + wanted.ahead == 0) return *std::move(made);

    constexpr int rounds_to_wake = 10;  // of work: to get up for each single job would cost more than the notifications
    const bool found = !made->jobs.empty();
    bell_->found(found);
    busy_rounds_ = found ? busy_rounds_ + 1 : 0;
    if (!found && !sleeping_ && core_->hearing.hears()) {
        if (auto again = lie_down(wanted)) {
            again->outcomes = std::move(made->outcomes);
            return *std::move(again);
        }
        // What was settled is settled; the sleep is only a convenience.
    } else if (sleeping_ && busy_rounds_ >= rounds_to_wake) {
        const statement wakes{"delete from sleeper where worker = $1", parameters().add(me_)};
        sleeping_ = !working_.run(std::span(&wakes, 1), repeatable::yes);
    }
    return *std::move(made);
}

}  // namespace gm::stores::pg
