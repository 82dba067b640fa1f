// A run, or a command of it, that is stopped: by Ctrl-Z, or because it wants the terminal.
#include <signal.h>
#include <unistd.h>

#include <utility>

#include <gristmill/kinds/exec/process_table.hpp>

#include "program/cli/safe_text.hpp"
#include "program/run/attempt.hpp"
#include "program/run/engine.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_columns = 200;

// Returns when it goes on; at once if there is no shell that could let it. A shell sees what it sees of any program that Ctrl-Z has stopped.
// requires: SIGTSTP is blocked in all threads.
void stop_this_process() {
    sigset_t only, before;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    (void)::raise(SIGTSTP);  // of this thread, which has it blocked
    ::pthread_sigmask(SIG_UNBLOCK, &only, &before);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

// Nobody wants to be stopped twice who has pressed Ctrl-Z twice; but whoever presses it again while the run is just going on does.
void engine::hold(int stopped_by) {
    const unsigned seen = pauses_;
    const std::lock_guard one_at_a_time(holding_);
    if (pauses_ == seen) stop_and_go_on(stopped_by);
}

// First what runs is stopped, then we are, and the shell takes its terminal back; what comes after SIGCONT goes on from here.
void engine::stop_and_go_on(int stopped_by) {
    {
        const guard held(lock_);
        held_ = true;
    }
    children_.hold_all();
    printer_.leave_terminal();
    wait_to_go_on(stopped_by);
    ++pauses_;
    printer_.return_to_terminal();
    children_.release_all();
    {
        const guard held(lock_);
        held_ = false;
        set_alarm_locked();
    }
    children_.wake();
}

// With --tty a command is stopped before we are: so it gets the terminal back, and is let go, apart from all others.
void engine::wait_to_go_on(int stopped_by) {
    if (!parts_.terminal) return stop_this_process();
    const pid_t owner = owner_of_terminal();
    if (owner > 0) parts_.terminal->take_back_from(owner);
    if (stopped_by != SIGTTIN && stopped_by != SIGTTOU) {
        stop_this_process();
    } else if (!wait_for_foreground()) {
        const guard held(lock_);
        stop_now_locked();
    }
    if (owner <= 0) return;
    if (parts_.terminal->is_foreground()) parts_.terminal->give_to(owner);
    ::kill(-owner, SIGCONT);
}

// A signal that ends the run ends this as well.
bool engine::wait_for_foreground() {
    return parts_.terminal->wait_for_foreground([this] {
        while (const int signal = next_signal()) {
            const guard held(lock_);
            if (signal != SIGTSTP) interrupt_locked(signal);  // that one wants what is so already
        }
        const guard held(lock_);
        return stopping_;
    });
}

// The command that runs, and is its group's leader; or none. While everything is held nobody waits for it, so the number stays its own.
pid_t engine::owner_of_terminal() {
    const guard held(lock_);
    for (const auto& [number, one] : running_)
        if (one->runs) return one->pid;
    return -1;
}

// Commands that stop for other reasons were stopped by somebody who knows.
void engine::stopped(const kinds::exec::event& e) {
    std::shared_ptr<attempt> one;
    {
        const guard held(lock_);
        const auto found = running_.find(e.tag);
        if (held_ || found == running_.end() || !found->second->runs) return;
        one = found->second;
    }
    const auto now = kinds::exec::look_at(one->pid);
    if (!now || !now->stopped) return;  // it goes on already
    if (parts_.terminal) return hold(e.how.signal);
    if (e.how.signal == SIGTTIN || e.how.signal == SIGTTOU) wants_terminal(one);
}

void engine::wants_terminal(const std::shared_ptr<attempt>& one) {
    bool first;
    {
        const guard held(lock_);
        if (std::exchange(one->wanted_terminal, true)) return;
        first = !std::exchange(told_of_terminal_, true);
    }
    say("job " + std::to_string(one->of.sequence) +
        " is stopped, for it wants the terminal: " + one_line(one->command, most_columns));
    if (first) say("only with --tty do commands have it, one at a time. Ctrl-C twice ends what runs");
}

void engine::take_terminal_back(attempt& one, const kinds::exec::outcome& how) {
    parts_.terminal->take_back_from(one.pid);
    if (how.signal == 0) return;
    parts_.terminal->restore_modes();
    if (how.signal != SIGINT && how.signal != SIGQUIT) return;
    const guard held(lock_);
    result_.interrupted_by = how.signal;  // the user's Ctrl-C, which meant all of it
    stop_soon_locked();
}

}  // namespace gm::program
