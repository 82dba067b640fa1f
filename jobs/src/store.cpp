#include <array>
#include <cmath>

#include <gristmill/jobs/ledger.hpp>

namespace gm::jobs {

std::string_view name_of(store_fault fault) noexcept {
    constexpr std::array<std::string_view, 11> names{"unreachable", "refused",     "full",    "damaged",
                                                     "too new",     "too old",     "invalid", "conflict",
                                                     "missing",     "unsupported", "stopped"};
    return names[static_cast<std::size_t>(fault)];
}

namespace {

struct feature_words {
    std::string_view name, meaning;
};
constexpr std::array<feature_words, features> words{{
    {"survives a power cut", "what was accepted is on the disk"},
    {"many machines", "workers and programs anywhere on the network"},
    {"fencing", "a late finisher is refused"},
    {"one commit", "finishes and claims go in one"},
    {"your transaction", "insert within the application's own transaction"},
    {"plain SQL", "insert from any language"},
    {"run at", "not before a time"},
    {"priority", "higher ones first, with aging"},
    {"unique", "one job at a time with a key"},
    {"after", "wait for other jobs"},
    {"cron", "durable, by time zones"},
    {"limits", "concurrency and rate by queue and key"},
    {"fair shares", "among the keys of a queue"},
    {"steps", "a long job goes on after its last finished step"},
    {"progress and logs", "of running jobs, for people to see"},
    {"cancel running", "ask a running job to stop"},
    {"pause", "stop a queue and go on later"},
    {"query", "list, count, change in bulk"},
    {"retention", "finished jobs are kept for a time"},
}};

}  // namespace

std::string_view name_of(feature which) noexcept { return words[static_cast<std::size_t>(which)].name; }
std::string_view meaning_of(feature which) noexcept { return words[static_cast<std::size_t>(which)].meaning; }

std::string fault_of(const queue_limits& limits) {
    const auto bad_rate = [](double rate) { return !(rate >= 0) || !std::isfinite(rate); };
    if (bad_rate(limits.rate)) return "rate: is no number from 0 up";
    if (bad_rate(limits.rate_per_key)) return "rate_per_key: is no number from 0 up";
    if (limits.burst == 0) return "burst: is at least 1";
    if (limits.burst_per_key == 0) return "burst_per_key: is at least 1";
    for (const auto& [key, weight] : limits.weights)
        if (!(weight > 0) || !std::isfinite(weight)) return "weights: that of '" + key + "' is not above 0";
    return {};
}

}  // namespace gm::jobs
