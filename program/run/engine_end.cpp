// What a run does with the output and the end of its jobs.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "program/run/attempt.hpp"
#include "program/run/engine.hpp"

namespace gm::program {

namespace {

using namespace std::chrono_literals;

constexpr double longest_delay = 60;  // seconds between two tries

// Doubles with each try; somewhere between a half of it and the whole, so that those that failed together do not come back together.
std::chrono::duration<double> backoff(seconds_f first, unsigned tries) {
    static thread_local std::minstd_rand random(std::random_device{}());
    const double whole =
        std::min(first.count() * std::pow(2.0, std::min(tries, 40u) - 1.0), std::max(longest_delay, first.count()));
    return std::chrono::duration<double>(whole * std::uniform_real_distribution(0.5, 1.0)(random));
}

constexpr std::size_t longest_line = 1 << 20;  // what is longer is printed in pieces

}  // namespace

void engine::take_output(const kinds::exec::event& e) {
    std::shared_ptr<attempt> one;
    {
        const guard held(lock_);
        const auto found = running_.find(e.tag);
        if (found == running_.end()) return;
        one = found->second;
    }
    const stream which = e.what == kinds::exec::event::output ? stream::output : stream::errors;
    if (which == stream::output) one->output_size += e.bytes.size();
    if (options_.output == output_mode::lines) {
        take_lines(*one, which, e.bytes);
        if (printer_.is_full()) children_.pause(e.tag, e.what);
        return;
    }
    if (const auto failed = (which == stream::output ? one->output : one->errors).append(e.bytes))
        broken(failed, "the output of a job cannot be kept");
}

void engine::take_lines(attempt& one, stream which, std::string_view bytes) {
    std::string& begun = one.begun_line[static_cast<int>(which)];
    const std::size_t end = bytes.rfind('\n');
    if (end == std::string_view::npos && begun.size() + bytes.size() < longest_line) {
        begun += bytes;
        return;
    }
    const std::size_t whole = end == std::string_view::npos ? bytes.size() : end + 1;
    std::string text = std::exchange(begun, std::string(bytes.substr(whole)));
    text += bytes.substr(0, whole);
    print_lines(one, which, std::move(text));
}

void engine::print_lines(attempt& one, stream which, std::string&& text) {
    if (options_.tag) text = tagged(text, one.tag, one.at_line_start[static_cast<int>(which)]);
    if (!options_.keep_order) return printer_.print(which, std::move(text));
    if (const auto failed = order_.lines(one.of.number, which, std::move(text)))
        broken(failed, "the output of a job cannot be kept");
}

void engine::ended(std::uint64_t number, const kinds::exec::outcome& how) {
    std::shared_ptr<attempt> one;
    {
        const guard held(lock_);
        one = running_.at(number);
    }
    const std::lock_guard told(one->starting);  // the watchers know of its start
    if (parts_.terminal) take_terminal_back(*one, how);
    // Ctrl-C may have reached it in our group, before it was executed: then it is not what has failed.
    if (how.signal == SIGINT || how.signal == SIGQUIT || how.signal == SIGTERM) {
        read_signals();
        const guard held(lock_);
        if (!one->timed_out && result_.interrupted_by == how.signal) one->stopped = true;
    }
    settle(one, how.success() ? verdict::succeeded : verdict::failed, how, {});
}

// The attempt is over, one way or another. It is followed by another try, or it was the job's last.
void engine::settle(const std::shared_ptr<attempt>& one, verdict how, const kinds::exec::outcome& outcome,
                    std::string reason) {
    bool again;
    {
        const guard held(lock_);
        running_.erase(one->of.number);
        free_slots_.insert(one->slot);
        if (one->deadline) deadlines_.erase({*one->deadline, one->of.number});
        if (one->timed_out) how = verdict::timed_out;
        if (one->stopped) how = verdict::stopped;
        again = how != verdict::succeeded && how != verdict::stopped && one->tries < options_.tries && !stopping_;
        if (how == verdict::succeeded) durations_.add(outcome.runtime);
        // Here, where its slot becomes free: the job that reaches the halt must not be followed by another.
        if (!again && how != verdict::stopped) count_locked(how, outcome);
    }
    if (struct stat about{}; one->files.output && ::fstat(one->files.output.get(), &about) == 0)
        one->output_size = static_cast<std::uint64_t>(about.st_size);
    const finish_report report{one->of,         one->command,    how,     again,
                               one->slot,       one->tries,      outcome, std::move(reason),
                               one->started_at, one->output_size};
    for (run_watcher* watcher : parts_.watchers) watcher->finished(report);
    if (!again) return conclude(*one);
    const auto when =
        children_.now() + std::chrono::duration_cast<clock::duration>(backoff(options_.retry_delay, one->tries));
    const guard held(lock_);
    retries_.emplace(when, pending{std::move(one->of), one->tries});
    --unsettled_;
    set_alarm_locked();
}

void engine::conclude(attempt& one) {
    deliver(one);
    const guard held(lock_);
    --unsettled_;
}

void engine::count_locked(verdict how, const kinds::exec::outcome& outcome) {
    if (!halt_.count(how == verdict::succeeded, total())) return;
    status_of_last_ = outcome.shell_status();
    if (options_.halt.when == halt_policy::moment::now)
        stop_now_locked();
    else
        stop_soon_locked();
}

void engine::deliver(attempt& one) {
    if (options_.output == output_mode::lines)
        for (const stream which : {stream::output, stream::errors})
            if (std::string& rest = one.begun_line[static_cast<int>(which)]; !rest.empty())
                print_lines(one, which, std::move(rest));
    job_output whole{std::move(one.output), std::move(one.errors), {}};
    if (options_.tag && !options_.dry_run) whole.tag = one.tag;
    if (options_.keep_order) {
        if (const auto failed = order_.finish(one.of.number, std::move(whole)))
            broken(failed, "the output of a job cannot be kept");
    } else if (!whole.empty()) {
        printer_.print(std::move(whole));
    }
}

// The run cannot go on as it was asked to.
void engine::broken(std::error_code why, const char* what) {
    const guard held(lock_);
    if (result_.error.empty()) result_.error = std::string(what) + ": " + why.message();
    stop_now_locked();
    children_.wake();
}

}  // namespace gm::program
