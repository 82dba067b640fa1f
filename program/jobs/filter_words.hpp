#pragma once
// Which jobs: the same words for every verb that looks at jobs or changes many of them.
//
//     --state dead --queue mail --older 1d        those that meet all of it
//     17 20-29                                    those with these numbers; with flags, those of them that meet the flags
//
// It says what a store can be asked (jobs::filter), and no more: nothing is sifted here after a store has answered.

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/result.hpp>

#include "program/cli/moments.hpp"
#include "program/cli/table.hpp"

namespace gm::program {

struct job_filter {
    static constexpr std::size_t most_ids = 10'000;  // of one call

    jobs::filter plain;  // all but the times, which may hang on when it is asked
    std::optional<moment> older, newer, ended_before, ended_after;
    bool all = false;  // --all: every job, said aloud

    // Whether it says anything at all.
    bool says_nothing() const;
    // Whether it names jobs by their numbers, and no more.
    bool only_ids() const;
    jobs::filter at(jobs::wall_time now) const;
};

// "17" or "20-29" into the ids; returns what is wrong with the word, or nothing.
std::string take_ids(job_filter& to, std::string_view word);
// "dead,retrying"; `failed` is both of these, `over` what has ended, `open` all the rest.
std::string take_states(job_filter& to, std::string_view list);

// The words that say the same, of which each would be read again: for questions and for the next page.
std::vector<std::string> words_of(const job_filter& which);

template <std::derived_from<job_filter> Options>
inline constexpr auto& filter_of(void* options) {
    return static_cast<job_filter&>(*static_cast<Options*>(options));
}

std::string take_name(std::string& to, std::string_view text);
std::string take_moment(std::optional<moment>& to, std::string_view text);

template <std::derived_from<job_filter> Options>
inline constexpr flag filter_flags[] = {
    {"--state", "-s", "STATE,...",
     "In one of these states: waiting, scheduled, available, running, retrying, completed, cancelled, dead; failed is "
     "retrying and dead, over is what has ended, open is what has not.",
     [](void* o, std::string_view v) { return take_states(filter_of<Options>(o), v); }, completes::words,
     "waiting scheduled available running retrying completed cancelled dead failed over open"},
    {"--queue", "-q", "NAME", "In this queue.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.queue, v); }},
    {"--kind", "-k", "NAME", "Of this kind.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.kind, v); }},
    {"--key", "", "KEY", "With this key: whose jobs they are.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.key, v); }},
    {"--tag", "-t", "TAG", "With this tag.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.tag, v); }},
    {"--worker", "-w", "NAME", "That this worker runs, or ran last.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.worker, v); }},
    {"--text", "", "TEXT", "With this text in their arguments or in their last error, letter by letter.",
     [](void* o, std::string_view v) { return take_name(filter_of<Options>(o).plain.text, v); }},
    {"--older", "", "TIME", "Put in before then: 90m or 2d (ago), 2026-11-21, '2026-11-21 14:30', 2026-11-21T13:30Z.",
     [](void* o, std::string_view v) { return take_moment(filter_of<Options>(o).older, v); }},
    {"--newer", "", "TIME", "Put in after then.",
     [](void* o, std::string_view v) { return take_moment(filter_of<Options>(o).newer, v); }},
    {"--ended-before", "", "TIME", "Over since before then.",
     [](void* o, std::string_view v) { return take_moment(filter_of<Options>(o).ended_before, v); }},
    {"--ended-after", "", "TIME", "Over since after then.",
     [](void* o, std::string_view v) { return take_moment(filter_of<Options>(o).ended_after, v); }},
};

}  // namespace gm::program
