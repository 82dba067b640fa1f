#include "program/jobs/filter_words.hpp"

#include <algorithm>

#include <gristmill/jobs/near.hpp>

#include "program/cli/safe_text.hpp"
#include "program/store/arguments.hpp"
#include "program/store/json.hpp"

namespace gm::program {

namespace {

using jobs::job_id;
using jobs::state;

constexpr state failed_ones[] = {state::retrying, state::dead};
constexpr state over_ones[] = {state::completed, state::cancelled, state::dead};
constexpr state open_ones[] = {state::waiting, state::scheduled, state::available, state::running, state::retrying};
constexpr std::string_view state_words[] = {"waiting",   "scheduled", "available", "running", "retrying", "completed",
                                            "cancelled", "dead",      "failed",    "over",    "open"};

void add_state(jobs::filter& to, state which) {
    const auto at = std::ranges::lower_bound(to.states, which);
    if (at == to.states.end() || *at != which) to.states.insert(at, which);
}

std::string take_state(jobs::filter& to, std::string_view word) {
    const auto all = [&](const auto& of) {
        for (const state each : of) add_state(to, each);
        return std::string();
    };
    if (word == "failed") return all(failed_ones);
    if (word == "over") return all(over_ones);
    if (word == "open") return all(open_ones);
    if (const auto which = jobs::state_named(word)) return add_state(to, *which), std::string();
    std::string wrong = "there is no state " + quoted(word);
    const std::string near = jobs::did_you_mean(word, state_words);
    return wrong + (near.empty() ? ": there are waiting, scheduled, available, running, retrying, completed, "
                                   "cancelled, dead; failed, over, open"
                                 : near);
}

// 1.5 s is "1500ms": what jobs::parse_duration reads.
std::string written(const moment& of) {
    if (!of.ago) return time_text(of.fixed);
    constexpr std::int64_t second = 1'000'000, milli = 1'000;
    const std::int64_t us = of.ago->count();
    if (us % second == 0) return std::to_string(us / second) + "s";
    return us % milli == 0 ? std::to_string(us / milli) + "ms" : std::to_string(us) + "us";
}

std::string states_text(const std::vector<state>& of) {
    std::string text;
    for (const state each : of) text += (text.empty() ? "" : ",") + std::string(jobs::name_of(each));
    return text;
}

// Neighbours as ranges.
void put_ids(std::vector<std::string>& to, const std::vector<job_id>& ids) {
    for (std::size_t begin = 0; begin < ids.size();) {
        std::size_t end = begin + 1;
        while (end < ids.size() && ids[end].number == ids[end - 1].number + 1) ++end;
        std::string word = std::to_string(ids[begin].number);
        if (end - begin > 1) word += '-' + std::to_string(ids[end - 1].number);
        to.push_back(std::move(word));
        begin = end;
    }
}

}  // namespace

bool job_filter::says_nothing() const {
    const jobs::filter& f = plain;
    return !all && f.ids.empty() && f.states.empty() && f.queue.empty() && f.kind.empty() && f.key.empty() &&
           f.tag.empty() && f.worker.empty() && f.text.empty() && !older && !newer && !ended_before && !ended_after;
}

bool job_filter::only_ids() const {
    job_filter rest = *this;
    rest.plain.ids.clear();
    return !plain.ids.empty() && rest.says_nothing();
}

jobs::filter job_filter::at(jobs::wall_time now) const {
    jobs::filter made = plain;
    if (older) made.inserted_before = older->at(now);
    if (newer) made.inserted_after = newer->at(now);
    if (ended_before) made.finished_before = ended_before->at(now);
    if (ended_after) made.finished_after = ended_after->at(now);
    return made;
}

std::string take_ids(job_filter& to, std::string_view word) {
    const auto range = read_ids(word);
    if (!range) return range.error();
    const auto [first, last] = *range;
    auto& ids = to.plain.ids;
    if (static_cast<std::uint64_t>(last - first) >= job_filter::most_ids - std::min(ids.size(), job_filter::most_ids))
        return quoted(word) + ": at most " + std::to_string(job_filter::most_ids) +
               " jobs are named by number at a time";
    for (std::int64_t number = first;; ++number) {
        const auto at = std::ranges::lower_bound(ids, job_id{number});
        if (at == ids.end() || at->number != number) ids.insert(at, job_id{number});
        if (number == last) return {};
    }
}

std::string take_states(job_filter& to, std::string_view list) {
    for (;;) {
        const std::size_t comma = list.find(',');
        if (std::string wrong = take_state(to.plain, list.substr(0, comma)); !wrong.empty()) return wrong;
        if (comma == std::string_view::npos) return {};
        list.remove_prefix(comma + 1);
    }
}

std::string take_name(std::string& to, std::string_view text) {
    if (text.empty()) return "an empty text is met by every job; leave the flag out";
    to = text;
    return {};
}

std::string take_moment(std::optional<moment>& to, std::string_view text) {
    auto read = read_moment(text);
    if (!read) return std::move(read).error();
    to = *read;
    return {};
}

std::vector<std::string> words_of(const job_filter& which) {
    std::vector<std::string> words;
    const auto put = [&](const char* name, const std::string& value) {
        if (!value.empty()) words.insert(words.end(), {name, value});
    };
    put("--state", states_text(which.plain.states));
    put("--queue", which.plain.queue);
    put("--kind", which.plain.kind);
    put("--key", which.plain.key);
    put("--tag", which.plain.tag);
    put("--worker", which.plain.worker);
    put("--text", which.plain.text);
    put("--older", which.older ? written(*which.older) : "");
    put("--newer", which.newer ? written(*which.newer) : "");
    put("--ended-before", which.ended_before ? written(*which.ended_before) : "");
    put("--ended-after", which.ended_after ? written(*which.ended_after) : "");
    put_ids(words, which.plain.ids);
    return words;
}

}  // namespace gm::program
