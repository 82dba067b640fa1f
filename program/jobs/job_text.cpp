#include "program/jobs/job_text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "program/cli/moments.hpp"
#include "program/cli/safe_text.hpp"
#include "program/run/estimate.hpp"

namespace gm::program {

namespace {

using jobs::record;
using jobs::state;
using jobs::wall_time;

constexpr std::size_t longest_cell = 200;  // where no terminal says how much fits

std::string ids_text(const std::vector<jobs::job_id>& ids, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < ids.size() && i < most; ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(ids[i].number);
    return ids.size() > most ? text + " and " + std::to_string(ids.size() - most) + " more" : text;
}

std::string percent(double part) { return std::to_string(std::lround(part * 100)) + "%"; }

std::string seconds_text(std::chrono::microseconds time) {
    const double whole = std::chrono::duration<double>(time).count();
    if (whole >= 10) return duration_text(whole);
    return std::to_string(std::lround(whole * 1000)) + "ms";
}

std::string_view last_error(const record& job) {
    return job.errors.empty() ? std::string_view() : std::string_view(job.errors.back().error);
}

// "a: b", or one of the two.
std::string joined(std::string a, std::string_view b) {
    if (a.empty() || b.empty()) return a.empty() ? std::string(b) : a;
    return a + ": " + std::string(b);
}

std::string until(wall_time at, wall_time now) { return at > now ? "in " + age_text(now, at) : "due"; }

std::string progress_text(const record& job) {
    const std::string part = job.progress > 0 ? percent(job.progress) : "";
    return joined(part, job.note);
}

// The lines of a text, each after so many spaces, without control characters.
std::string indented(std::string_view text, std::size_t spaces) {
    std::string all;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        all += std::string(spaces, ' ') + printable(text.substr(0, end), lines::many) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

class sheet {
public:
    void put(std::string_view name, const std::string& value) {
        if (value.empty()) return;
        std::string begin = "  " + std::string(name);
        begin.resize(16, ' ');
        text_ += begin + printable(value) + '\n';
    }
    void put_count(std::string_view name, std::int64_t count) {
        if (count != 0) put(name, std::to_string(count));
    }
    void put_time(std::string_view name, wall_time at, wall_time now) {
        if (at != wall_time()) put(name, with_age(at, now));
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string what_it_is(const record& job) {
    sheet all;
    all.put("kind", job.kind);
    all.put("queue", job.queue);
    all.put("key", job.key);
    all.put_count("priority", job.priority);
    std::string tags;
    for (const std::string& tag : job.tags) tags += (tags.empty() ? "" : ", ") + tag;
    all.put("tags", tags);
    if (job.timeout.count() != 0) all.put("timeout", seconds_text(job.timeout));
    if (job.retry) all.put("retries", std::to_string(job.retry->attempts) + " attempts in all");
    if (job.unique) all.put("unique", job.unique->key);
    all.put("after", ids_text(job.after, 20));
    all.put("arguments", line_of(job.arguments));
    return all.take();
}

std::string how_it_went(const record& job, wall_time now) {
    sheet all;
    all.put_time("put in", job.inserted, now);
    if (job.run_at > job.inserted) all.put_time("to run at", job.run_at, now);
    all.put_time("started", job.started, now);
    all.put_time("ended", job.finished, now);
    if (job.finished > job.started && job.started != wall_time())
        all.put("ran for", seconds_text(job.finished - job.started));
    all.put("worker", job.worker);
    all.put_count("attempts", job.attempts);
    all.put_count("crashes", job.crashes);
    all.put_count("interruptions", job.interruptions);
    all.put("blocked by", ids_text(job.blocked_by, 20));
    if (job.cancel_asked) all.put("cancel", "asked for");
    if (job.overlapping) all.put("overlapping", "an attempt that timed out may still be running");
    all.put("progress", progress_text(job));
    all.put("result", line_of(job.result));
    return all.take();
}

std::string why_not_now(const wait_reason& why) {
    sheet all;
    all.put("waits", why.says);
    all.put("do", why.advice);
    return all.take();
}

}  // namespace

colour colour_of(state which) {
    switch (which) {
        case state::completed: return colour::green;
        case state::dead: return colour::red;
        case state::retrying: return colour::yellow;
        case state::running: return colour::bold;
        case state::waiting:
        case state::scheduled:
        case state::cancelled: return colour::dim;
        case state::available: return colour::none;
    }
    return colour::none;
}

std::string line_of(const jobs::body& what) {
    if (what.bytes.empty()) return {};
    if (what.is_json() || what.type.starts_with("text/")) return what.bytes;
    return std::to_string(what.bytes.size()) + " bytes, " + what.type;
}

std::string remark_on(const record& job, wall_time now) {
    switch (job.state) {
        case state::waiting: return "for " + ids_text(job.blocked_by.empty() ? job.after : job.blocked_by, 3);
        case state::scheduled: return until(job.run_at, now);
        case state::available: return job.crashes != 0 ? std::string(last_error(job)) : std::string();
        case state::running: return job.cancel_asked ? "is asked to stop" : progress_text(job);
        case state::retrying: return joined(until(job.run_at, now), last_error(job));
        case state::completed: return job.started != wall_time() ? seconds_text(job.finished - job.started) : "";
        case state::cancelled:
        case state::dead: return std::string(last_error(job));
    }
    return {};
}

std::vector<column> job_columns() {
    return {{.title = "ID", .right = true},
            {.title = "STATE"},
            {.title = "QUEUE", .may_shrink = true},
            {.title = "KIND", .may_shrink = true},
            {.title = "AGE", .right = true},
            {.title = "TRIES", .right = true},
            {.title = "ARGUMENTS", .may_shrink = true},
            {.title = "REMARK", .may_shrink = true}};
}

std::vector<cell> job_row(const record& job, wall_time now) {
    const auto some = [](std::string text) { return cell{std::move(text).substr(0, longest_cell)}; };
    return {{std::to_string(job.id.number)},
            {std::string(name_of(job.state)), colour_of(job.state)},
            {job.queue},
            {job.kind},
            {age_text(job.inserted, now)},
            {std::to_string(job.attempts)},
            some(line_of(job.arguments)),
            some(remark_on(job, now))};
}

std::string full_text(const record& job, const std::vector<jobs::step>& steps, const std::optional<wait_reason>& why,
                      wall_time now, bool coloured) {
    const std::string state(name_of(job.state));
    std::string all = "job " + std::to_string(job.id.number) + ": " +
                      (coloured ? program::coloured(state, colour_of(job.state)) : state) + '\n' + what_it_is(job) +
                      how_it_went(job, now) + (why ? why_not_now(*why) : "");
    for (const jobs::attempt_report& each : job.errors) {
        const std::string number = each.attempt != 0 ? " " + std::to_string(each.attempt) : " that did not count";
        all += "  attempt" + number + ", " + local_text(each.ended) +
               (each.worker.empty() ? "" : ", " + printable(each.worker)) + '\n' + indented(each.error, 6);
    }
    for (const jobs::step& each : steps)
        all += "  step " + printable(each.name) + ": " + printable(line_of(each.result)) + '\n';
    return all;
}

}  // namespace gm::program
