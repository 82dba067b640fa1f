#include "program/jobs/steering_json.hpp"

#include <utility>

#include "program/jobs/cron_words.hpp"

namespace gm::program {

using jobs::json;

json json_of(const jobs::queue_limits& of) {
    const jobs::queue_limits none;
    json::object all;
    const auto put = [&](const char* name, auto value, auto usual) {
        if (value != usual) all.emplace_back(name, value);
    };
    put("running", of.running, none.running);
    put("running_per_key", of.running_per_key, none.running_per_key);
    put("rate", of.rate, none.rate);
    put("burst", of.burst, none.burst);
    put("rate_per_key", of.rate_per_key, none.rate_per_key);
    put("burst_per_key", of.burst_per_key, none.burst_per_key);
    put("fair", of.fair, none.fair);
    json::object weights;
    for (const auto& [key, weight] : of.weights) weights.emplace_back(key, weight);
    if (!weights.empty()) all.emplace_back("weights", std::move(weights));
    return all;
}

json json_of(const jobs::queue_report& of) {
    json::object counts;
    for (int i = 0; i != jobs::states; ++i)
        counts.emplace_back(std::string(name_of(static_cast<jobs::state>(i))), of.counts[static_cast<std::size_t>(i)]);
    json::object all{{"name", of.name},           {"paused", of.paused}, {"counts", std::move(counts)},
                     {"completed", of.completed}, {"failed", of.failed}, {"limits", json_of(of.limits)}};
    if (of.oldest_available) all.emplace_back("oldest_available", time_text(*of.oldest_available));
    return all;
}

json json_of(const jobs::worker_report& of) {
    json::object all{{"number", of.number},
                     {"name", of.name},
                     {"alive", of.alive},
                     {"queues", json::list(of.queues.begin(), of.queues.end())},
                     {"started", time_text(of.started)},
                     {"last_beat", time_text(of.last_beat)},
                     {"workers", of.how.workers},
                     {"busy", of.how.busy},
                     {"completed", of.how.completed},
                     {"failed", of.how.failed}};
    if (of.workers_wanted) all.emplace_back("workers_wanted", *of.workers_wanted);
    return all;
}

json json_of(const jobs::cron_entry& of, std::optional<jobs::wall_time> next) {
    json::object all{{"name", of.name},
                     {"line", of.line},
                     {"zone", of.zone},
                     {"missed", std::string(name_of(of.policy))},
                     {"paused", of.paused}};
    const json job = json_of(of.job);
    all.insert(all.end(), job.as_object()->begin(), job.as_object()->end());
    if (next) all.emplace_back("next", time_text(*next));
    if (of.last) all.emplace_back("last", time_text(*of.last));
    return all;
}

}  // namespace gm::program
