#include "program/work/reporter.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

#include "program/cli/safe_text.hpp"
#include "program/store/json.hpp"

namespace gm::program {

namespace {

using namespace std::chrono;

std::string seconds_text(nanoseconds time) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2fs", duration<double>(time).count());
    return text.data();
}

const char* word_for(const jobs::attempt_event& of) {
    switch (of.what) {
        case jobs::verdict::completed: return "completed";
        case jobs::verdict::retry: return "failed";
        case jobs::verdict::dead: return "dead";
        case jobs::verdict::cancelled: return "cancelled";
        case jobs::verdict::snoozed: return "snoozed";
        case jobs::verdict::returned:
        case jobs::verdict::interrupted: return "interrupted";
    }
    return "?";
}

std::vector<jobs::state> open_states() {
    using enum jobs::state;
    return {waiting, scheduled, available, running, retrying};
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

reporter::reporter(options how)
    : how_(std::move(how)), printer_({.room = [] {}, .closed = [] {}, .failed = [](auto) {}}) {}

void reporter::finished(const jobs::attempt_event& of) noexcept { tell(of, word_for(of)); }
void reporter::failed(const jobs::attempt_event& of) noexcept { tell(of, word_for(of)); }
void reporter::lost(const jobs::attempt_event& of) noexcept { tell(of, "lost"); }

// Once for each kind. It is the runner's exchanger that tells, which may ask the store.
void reporter::put_off(const jobs::attempt_event& of) noexcept {
    constexpr std::size_t enough = 100;  // kinds are anybody's words
    if (kinds_of_others_.size() >= enough || kinds_of_others_.contains(of.kind)) return;
    try {
        const std::string kind = *kinds_of_others_.emplace(of.kind).first;
        std::string text = kind == "exec" ? "without --allow-exec" : "without --on " + kind + "=COMMAND";
        text += " the jobs of the kind '" + kind + "' are left to other workers";
        if (jobs::ledger* const ledger = how_.store->ledger())
            if (const auto open = ledger->count({.states = open_states(), .kind = kind}))
                text += "; " + std::to_string(*open) + (*open == 1 ? " is" : " are") + " not over";
        say(text);
    } catch (const std::exception&) {  // no memory for a line
    }
}

// Whoever does not read what we write loses lines, not jobs.
void reporter::tell(const jobs::attempt_event& of, const char* what) noexcept {
    wedged_.store(false, std::memory_order_relaxed);
    if (how_.quiet || (how_.terminal && of.what == jobs::verdict::completed) || printer_.is_full()) return;
    try {
        printer_.print(stream::output, line_for(of, what) + '\n');
    } catch (const std::exception&) {  // no memory for a line
    }
}

std::string reporter::line_for(const jobs::attempt_event& of, const char* what) const {
    if (how_.json) {
        jobs::json::object all;
        all.emplace_back("event", what);
        all.emplace_back("id", of.id.number);
        all.emplace_back("kind", of.kind);
        all.emplace_back("queue", of.queue);
        all.emplace_back("attempt", of.attempt);
        all.emplace_back("waited", seconds(duration_cast<microseconds>(of.waited)));
        all.emplace_back("ran", seconds(duration_cast<microseconds>(of.ran)));
        if (of.overlapping) all.emplace_back("overlapping", true);
        if (!of.error.empty()) all.emplace_back("error", of.error);
        return text_for_output(jobs::json(std::move(all)));
    }
    std::string line =
        std::to_string(of.id.number) + ' ' + printable(of.kind) + ' ' + what + ' ' + seconds_text(of.ran);
    if (of.attempt > 1) line += " attempt " + std::to_string(of.attempt);
    if (!of.error.empty()) line += ": " + printable(first_line(of.error));
    return line;
}

// Once, and once more when it is over: an outage of an hour is two lines.
void reporter::trouble(const jobs::trouble_event& of) noexcept {
    try {
        if (!of.error)
            say("the store works again (" + std::string(of.doing) + ")");
        else if (of.times <= 1)
            say(std::string(of.doing) + ": " + of.error->what);
    } catch (const std::exception&) {
    }
}

void reporter::resized(unsigned workers) noexcept {
    try {
        say("a crew of " + std::to_string(workers));
    } catch (const std::exception&) {
    }
}

void reporter::wedged(nanoseconds since) noexcept {
    wedged_.store(true);
    try {
        say("the store has not answered for " + seconds_text(since) + "; the lease is not renewed any more");
    } catch (const std::exception&) {
    }
}

void reporter::wants_terminal(const jobs::attempt& of) noexcept {
    try {
        const std::string id = std::to_string(of.id().number);
        say("job " + id + " (" + of.kind() +
            ") is stopped, for it wants the terminal, which no job has: `gristmill cancel " + id + "` ends it");
    } catch (const std::exception&) {  // no memory for a line
    }
}

void reporter::say(std::string_view text) {
    if (!printer_.is_full())
        printer_.print(stream::errors, "gristmill " + how_.verb + ": " + printable(text, lines::many) + '\n');
}

void reporter::show(const jobs::runner_snapshot& now) {
    if (!how_.terminal || how_.quiet) return;
    std::string line = summary_of(now.counts) + ", " + std::to_string(now.running.size()) + " running of " +
                       std::to_string(now.workers);
    if (now.state == jobs::run_state::stopping) line += ", stopping";
    if (now.store_away) line += ", the store is away";
    printer_.show_status(std::move(line));
}

std::string summary_of(const jobs::attempt_counts& counts) {
    std::string text = std::to_string(counts.completed) + " completed";
    const std::pair<std::uint64_t, const char*> others[] = {{counts.retried, " failed, to be tried again"},
                                                            {counts.dead, " dead"},
                                                            {counts.cancelled, " cancelled"},
                                                            {counts.interrupted, " interrupted and given back"},
                                                            {counts.lost, " lost to another worker"}};
    for (const auto& [count, what] : others)
        if (count != 0) text += ", " + std::to_string(count) + what;
    return text;
}

}  // namespace gm::program
