// How a run starts its jobs.
#include <unistd.h>

#include <utility>

#include <gristmill/kinds/exec/spawn.hpp>

#include "program/run/attempt.hpp"
#include "program/run/engine.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_held = 100'000;  // jobs that wait for their turn to be printed

// Descriptors that commands leave to the run: to its journal, to what is kept of their output, to looks into /proc.
constexpr unsigned spare_descriptors = 16;

constexpr auto shortage_lasts = std::chrono::milliseconds(100);

bool is_shortage(std::error_code why) {
    return why == std::errc::resource_unavailable_try_again || why == std::errc::not_enough_memory ||
           why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system;
}

// What a shell says of a command that cannot be executed.
kinds::exec::outcome not_executed(std::error_code why) {
    return {.exit_code = why == std::errc::no_such_file_or_directory ? 127 : 126};
}

}  // namespace

bool engine::may_start_locked(clock::time_point now) {
    if (stopping_ || held_ || running_.size() >= slots_.now() || (retries_.empty() && feeder_->is_over())) return false;
    if (printer_.is_full() || order_.held() > most_held) return false;
    const auto until = gate_.closed_until(now);
    gate_opens_ = until.value_or(clock::time_point::max());
    if (until) set_alarm_locked();
    return !until;
}

std::optional<engine::pending> engine::next_locked() {
    const auto now = children_.now();
    if (!may_start_locked(now)) return std::nullopt;
    if (!retries_.empty() && retries_.begin()->first <= now) {
        pending next = std::move(retries_.begin()->second);
        retries_.erase(retries_.begin());
        return next;
    }
    auto next = feeder_->take();
    if (!next) return std::nullopt;
    return pending{std::move(*next), 0};
}

std::shared_ptr<engine::attempt> engine::begin_locked(pending&& next) {
    if (free_slots_.empty()) free_slots_.insert(++slots_made_);
    const unsigned slot = *free_slots_.begin();
    free_slots_.erase(free_slots_.begin());
    auto one = std::make_shared<attempt>(std::move(next), slot, spill_);
    running_.emplace(one->of.number, one);
    ++unsettled_;
    gate_.started(children_.now());
    return one;
}

// One job, if one may be started. When there is room for more, another thread is woken to start the next meanwhile.
bool engine::start_next() {
    std::shared_ptr<attempt> one;
    bool more;
    {
        const guard held(lock_);
        auto next = next_locked();
        if (!next) return false;
        one = begin_locked(std::move(*next));
        more = running_.size() < slots_.now() && !feeder_->is_over();
    }
    if (more && !options_.dry_run) children_.wake();
    start(one);
    return true;
}

std::string engine::tag_of(const attempt& one) const {
    return fill_plainly(*options_.tag, parts_.names, {one.of.arguments, one.of.sequence, one.slot});
}

void engine::start(const std::shared_ptr<attempt>& one) {
    one->started = children_.now();
    one->started_at = std::chrono::system_clock::now();
    if (options_.tag) one->tag = tag_of(*one);
    if (parts_.command) {
        auto text = parts_.command->render({one->of.arguments, one->of.sequence, one->slot});
        if (!text) return settle(one, verdict::not_started, {.exit_code = 126}, text.error());
        one->command = std::move(*text);
    } else {
        for (const std::string& argument : one->of.arguments)
            one->command += (one->command.empty() ? "" : " ") + argument;
    }
    if (options_.verbose || options_.dry_run) {
        if (options_.dry_run) return dry_run(one);
        printer_.print(stream::errors, one->command + '\n');
    }
    if (parts_.terminal && !wait_for_foreground())
        return settle(one, verdict::not_started, {.exit_code = 126}, "it has no terminal in the background");
    auto failed = spawn_and_tell(one, spare_descriptors);
    if (is_shortage(failed)) {
        if (postpone(*one)) return;
        failed = spawn_and_tell(one, 0);  // it is alone
    }
    if (failed) settle(one, verdict::not_started, not_executed(failed), failed.message());
}

std::error_code engine::spawn_and_tell(const std::shared_ptr<attempt>& one, unsigned spare) {
    pid_t pid = -1;
    const std::lock_guard starting(one->starting);
    const auto failed = spawn(*one, spare, pid);
    if (!failed) started(one, pid);
    return failed;
}

// The system has no room for another process now. While others run there will be: this one is started later. It was no try.
bool engine::postpone(attempt& one) {
    const guard held(lock_);
    if (running_.size() == 1 || stopping_) return false;
    const auto when = children_.now() + shortage_lasts;
    gate_.hold_until(when);
    running_.erase(one.of.number);
    free_slots_.insert(one.slot);
    retries_.emplace(when, pending{std::move(one.of), one.tries - 1});
    --unsettled_;
    set_alarm_locked();
    return true;
}

void engine::dry_run(const std::shared_ptr<attempt>& one) {
    if (const auto failed = one->output.append(one->command + '\n')) broken(failed, "the output cannot be kept");
    settle(one, verdict::succeeded, {}, {});
}

std::error_code engine::spawn(attempt& one, unsigned spare, pid_t& pid) {
    if (parts_.results) {
        auto files = parts_.results->make(parts_.names, one.of.arguments, one.of.sequence);
        if (!files) return files.error();
        one.files = std::move(*files);
    }
    const auto try_once = [&](kinds::exec::command&& what) -> std::error_code {
        what.variables = &variables_;
        what.extra = {"PARALLEL_SEQ=" + std::to_string(one.of.sequence),
                      "PARALLEL_JOBSLOT=" + std::to_string(one.slot)};
        what.spare = spare;
        if (parts_.terminal) what.terminal = parts_.terminal->descriptor();
        if (parts_.results) {
            what.output = one.files.output.get();
            what.errors = one.files.errors.get();
        } else if (options_.output == output_mode::ungrouped) {
            what.output = STDOUT_FILENO;
            what.errors = STDERR_FILENO;
        }
        auto made = children_.start(std::move(what), one.of.number);
        if (!made) return made.error();
        pid = *made;
        return {};
    };
    auto direct = launch_.prepare(one.command);
    const bool without_shell = !direct.file.empty();
    const auto failed = try_once(std::move(direct));
    // A shell says better what is wrong with a command, and gives it the status that people know.
    if (without_shell && (failed == std::errc::no_such_file_or_directory || failed == std::errc::permission_denied))
        return try_once(launch_.through_shell(one.command));
    return failed;
}

// requires: one->starting is held; it is let go when the watchers have been told.
void engine::started(const std::shared_ptr<attempt>& one, pid_t pid) {
    const start_report report{one->of, one->command, one->slot, one->tries, pid};
    for (run_watcher* watcher : parts_.watchers) watcher->started(report);
    const guard held(lock_);
    const auto still = running_.find(one->of.number);
    if (still == running_.end() || still->second != one) return;  // it has ended already
    one->runs = true;
    one->pid = pid;
    if (options_.timeout) {
        one->deadline = one->started + std::chrono::duration_cast<clock::duration>(*options_.timeout);
        deadlines_.emplace(*one->deadline, one->of.number);
        set_alarm_locked();
    }
    if (ending_) {
        one->stopped = true;
        children_.end(one->of.number);
    }
}

}  // namespace gm::program
