// A store: is it where we are, in time; is somebody there to do its jobs?
#include <algorithm>
#include <chrono>
#include <cstdint>

#include <gristmill/jobs/ledger.hpp>

#include "program/cli/moments.hpp"
#include "program/doctor/finding.hpp"
#include "program/jobs/waits.hpp"
#include "program/run/shell_scan.hpp"

namespace gm::program {

namespace {

using jobs::queue_report;
using jobs::state;
using jobs::wall_time;
using jobs::worker_report;

std::uint64_t count_of(const queue_report& queue, state which) { return queue.counts[static_cast<std::size_t>(which)]; }

// What the store says is compared with the middle of the time that asking took.
finding clocks(jobs::store& store) {
    using namespace std::chrono;
    const auto asked = steady_clock::now();
    const auto before = system_clock::now();
    const wall_time there = store.now();
    const auto took = steady_clock::now() - asked;
    const auto apart = duration_cast<milliseconds>(there - (before + took / 2));
    finding made{"clock", health::good,
                 std::to_string(apart.count()) + " ms from this machine's; asking took " +
                     std::to_string(duration_cast<microseconds>(took).count()) + " us"};
    if (abs(apart) > seconds(1) + took) {
        made.how = health::low;
        made.advice = "jobs become due by the store's clock; set this machine's by NTP";
    }
    return made;
}

finding workers(const std::vector<worker_report>& all) {
    const auto alive = static_cast<std::uint64_t>(std::ranges::count_if(all, &worker_report::alive));
    finding made{"workers", health::good, std::to_string(alive) + (alive == 1 ? " process" : " processes")};
    unsigned busy = 0, crew = 0;
    for (const worker_report& each : all)
        if (each.alive) busy += each.how.busy, crew += each.how.workers;
    made.says += ", " + std::to_string(busy) + " of " + std::to_string(crew) + " busy";
    if (alive != all.size())
        made.says += "; " + std::to_string(all.size() - alive) + " not heard of, whose jobs others will be given";
    return made;
}

bool is_served(const queue_report& queue, const std::vector<worker_report>& all) {
    return std::ranges::any_of(all, [&](const worker_report& each) {
        return each.alive && std::ranges::find(each.queues, queue.name) != each.queues.end();
    });
}

// What holds the jobs of a queue.
finding look_at(const queue_report& queue, const std::vector<worker_report>& crew, wall_time now) {
    constexpr std::chrono::minutes long_wait{10};
    const std::uint64_t ready = count_of(queue, state::available), dead = count_of(queue, state::dead);
    const std::uint64_t later = count_of(queue, state::scheduled) + count_of(queue, state::retrying);
    finding made{"queue " + queue.name, health::good,
                 std::to_string(ready) + (ready == 1 ? " job ready" : " jobs ready")};
    if (queue.oldest_available) made.says += ", the oldest for " + age_text(*queue.oldest_available, now);
    if (later != 0) made.says += ", " + std::to_string(later) + " for later";
    if (dead != 0) made.says += ", " + std::to_string(dead) + " dead";
    const auto low = [&](const std::string& why, std::string advice) {
        made.how = health::low;
        made.says += why;
        made.advice = std::move(advice);
    };
    if (ready != 0 && queue.paused)
        low("; it is paused", "gristmill resume " + shell_word(queue.name));
    else if (ready + later != 0 && !is_served(queue, crew))
        low("; no worker serves it",
            "gristmill work --queue " + shell_word(queue.name) + ", with --allow-exec or --on KIND=COMMAND");
    else if (queue.oldest_available && now - *queue.oldest_available > long_wait)
        low("", "the crew does not keep up, or a limit holds it: gristmill workers, gristmill queues, gristmill scale");
    else if (dead != 0)
        low("", "gristmill ls --state dead --queue " + shell_word(queue.name) + ", then retry or rm");
    return made;
}

// Kinds that no worker handles: their jobs are claimed and put off for ever.
void look_at_kinds(findings& to, jobs::ledger& ledger) {
    const auto kinds = unhandled_kinds(ledger);
    if (!kinds) return to.push_back({"kinds", health::bad, kinds.error().what});
    for (const unhandled_kind& each : *kinds)
        to.push_back({"kind " + each.kind, health::low,
                      std::to_string(each.put_off) + (each.put_off == 1 ? " job was" : " jobs were") +
                          " put off: no worker seems to have a handler for it" + each.hint,
                      each.advice});
}

}  // namespace

std::string_view name_of(health how) noexcept {
    switch (how) {
        case health::good: return "good";
        case health::low: return "low";
        case health::bad: return "bad";
    }
    return "?";
}

void look_at_store(findings& to, jobs::store& store) {
    to.push_back(clocks(store));
    jobs::ledger* const ledger = store.ledger();
    if (!ledger) return to.push_back({"ledger", health::good, "this store cannot be asked about its jobs"});
    const auto crew = ledger->workers();
    if (!crew) return to.push_back({"workers", health::bad, crew.error().what});
    to.push_back(workers(*crew));
    const auto queues = ledger->queues();
    if (!queues) return to.push_back({"queues", health::bad, queues.error().what});
    const wall_time now = store.now();
    for (const queue_report& each : *queues) to.push_back(look_at(each, *crew, now));
    look_at_kinds(to, *ledger);
}

}  // namespace gm::program
