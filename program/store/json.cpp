#include "program/store/json.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "program/cli/safe_text.hpp"

namespace gm::program {

namespace {

using jobs::json;

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k != 3; ++k)
            three = three << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k != 4; ++k) text += k <= n ? digits[three >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

// JSON writes what is no UTF-8 as something else.
bool is_text(const std::string& bytes) {
    const auto back = json::parse(json(bytes).text());
    return back && *back->as_string() == bytes;
}

class object_writer {
public:
    void put(const char* name, json value) { members_.emplace_back(name, std::move(value)); }
    void put_text(const char* name, const std::string& text) {
        if (!text.empty()) put(name, text);
    }
    void put_count(const char* name, std::int64_t count) {
        if (count != 0) put(name, count);
    }
    void put_time(const char* name, jobs::wall_time when) {
        if (when != jobs::wall_time()) put(name, time_text(when));
    }
    json done() { return std::move(members_); }

private:
    json::object members_;
};

json ids(const std::vector<jobs::job_id>& of) {
    json::list all;
    for (const jobs::job_id each : of) all.emplace_back(each.number);
    return all;
}

const char* name_of(jobs::when_parent_fails what) {
    switch (what) {
        case jobs::when_parent_fails::hold: return "hold";
        case jobs::when_parent_fails::cancel: return "cancel";
        case jobs::when_parent_fails::run: return "run";
    }
    return "?";
}

json unique_json(const jobs::unique_key& of) {
    object_writer all;
    all.put("key", of.key);
    all.put("until", of.until == jobs::unique_for::started    ? "started"
                     : of.until == jobs::unique_for::finished ? "finished"
                                                              : "window");
    if (of.window.count() != 0) all.put("window", seconds(of.window));
    return all.done();
}

json retry_json(const jobs::retry_policy& of) {
    object_writer all;
    all.put("attempts", of.attempts);
    all.put("first", seconds(of.first));
    all.put("factor", of.factor);
    all.put("longest", seconds(of.longest));
    all.put("jitter", of.jitter);
    return all.done();
}

json attempt_json(const jobs::attempt_report& of) {
    object_writer all;
    all.put_count("attempt", of.attempt);
    all.put("epoch", of.epoch);
    all.put_time("started", of.started);
    all.put_time("ended", of.ended);
    all.put_text("worker", of.worker);
    all.put_text("error", of.error);
    return all.done();
}

// What a job and its record have both.
void put_what_it_is(object_writer& all, const auto& of) {
    all.put("queue", of.queue);
    all.put("arguments", json_of(of.arguments));
    all.put_text("key", of.key);
    all.put_count("priority", of.priority);
    if (!of.tags.empty()) all.put("tags", json::list(of.tags.begin(), of.tags.end()));
    if (of.timeout.count() != 0) all.put("timeout", seconds(of.timeout));
    if (of.retry) all.put("retry", retry_json(*of.retry));
    if (of.unique) all.put("unique", unique_json(*of.unique));
    if (!of.after.empty()) {
        all.put("after", ids(of.after));
        all.put("orphaned", name_of(of.orphaned));
    }
}

}  // namespace

std::string time_text(jobs::wall_time when) {
    using namespace std::chrono;
    const auto day = floor<days>(when);
    const year_month_day date(day);
    const hh_mm_ss<microseconds> time(when - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return text.data();
}

json seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

json json_of(const jobs::body& of) {
    if (of.is_json()) {
        if (of.bytes.empty()) return nullptr;
        if (auto read = json::parse(of.bytes)) return *std::move(read);
    }
    json::object all;
    all.emplace_back("type", of.type.empty() ? std::string("application/json") : of.type);
    const bool text = is_text(of.bytes);
    all.emplace_back(text ? "text" : "base64", text ? of.bytes : base64(of.bytes));
    return all;
}

json json_of(const jobs::new_job& of) {
    object_writer all;
    all.put("kind", of.kind);
    put_what_it_is(all, of);
    all.put_time("run_at", of.run_at);
    return all.done();
}

json json_of(const jobs::record& of) {
    object_writer all;
    all.put("id", of.id.number);
    all.put("kind", of.kind);
    all.put("state", std::string(name_of(of.state)));
    put_what_it_is(all, of);
    all.put_count("epoch", of.epoch);
    all.put_count("attempts", of.attempts);
    all.put_count("crashes", of.crashes);
    all.put_count("interruptions", of.interruptions);
    all.put_text("worker", of.worker);
    if (of.cancel_asked) all.put("cancel_asked", true);
    if (of.overlapping) all.put("overlapping", true);
    if (of.progress != 0) all.put("progress", of.progress);
    all.put_text("note", of.note);
    if (!of.blocked_by.empty()) all.put("blocked_by", ids(of.blocked_by));
    all.put_time("inserted", of.inserted);
    all.put_time("run_at", of.run_at);
    all.put_time("started", of.started);
    all.put_time("finished", of.finished);
    if (!of.result.bytes.empty()) all.put("result", json_of(of.result));
    json::list errors;
    for (const jobs::attempt_report& each : of.errors) errors.push_back(attempt_json(each));
    if (!errors.empty()) all.put("errors", std::move(errors));
    return all.done();
}

std::string text_for_output(const json& value) {
    return ::isatty(STDOUT_FILENO) ? printable_json(value.text()) : value.text();
}

bool print_json(const json& value) { return print_line(text_for_output(value)); }

bool print_line(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fputc('\n', stdout) != EOF;
}

}  // namespace gm::program
