// How children are ended: the ladder's steps, at their times, for each child and all that descends from it.

#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include <gristmill/kinds/exec/children.hpp>

#include "child.hpp"

namespace gm::kinds::exec {

namespace {

using namespace std::chrono_literals;

constexpr auto look_again = 10ms;   // while a child has ended and some of its family has not
constexpr auto last_patience = 1s;  // after the last step

void signal_group(pid_t leader, int signal) {
    ::kill(-leader, signal);
    // A process that is stopped would not see it before somebody continues it.
    if (signal != SIGKILL && signal != SIGSTOP) ::kill(-leader, SIGCONT);
}

// What was seen earlier and is still alive joins what is seen now: its way to us may be gone meanwhile.
void add_those_seen_before(std::vector<process_table::entry>& now, const std::vector<process_table::entry>& before,
                           const process_table& all) {
    for (const auto& old : before) {
        const auto* const still = all.find(old.pid);
        if (!still || still->dead || still->started != old.started) continue;
        if (std::none_of(now.begin(), now.end(), [&](const auto& one) { return one.pid == old.pid; }))
            now.push_back(*still);
    }
}

}  // namespace

void children::end(std::uint64_t tag) { end_one(tag, false); }
void children::kill(std::uint64_t tag) { end_one(tag, true); }

void children::end_one(std::uint64_t tag, bool at_once) {
    const std::lock_guard guard(lock_);
    const auto found = running_.find(tag);
    if (found == running_.end()) return;
    begin_ladder_locked(found->second, at_once);
    set_timer_locked();
}

void children::end_all() { end_each(false); }
void children::kill_all() { end_each(true); }

void children::end_each(bool at_once) {
    const std::lock_guard guard(lock_);
    for (const auto& [tag, one] : running_) begin_ladder_locked(one, at_once);
    set_timer_locked();
}

void children::begin_ladder_locked(const std::shared_ptr<child>& of, bool at_once) {
    if (of->on_ladder || at_once) of->rung = std::max(of->rung, options_.ladder.steps().size() - 1);
    if (!of->on_ladder) {
        of->on_ladder = true;
        ladder_.push_back(of);
    }
    of->next_step = next_climb_ = clock_.now();
}

void children::set_timer_locked() {
    const clock::time_point when = clock_.on_steady(std::min({alarm_, next_climb_, next_stops_}));
    if (when == timer_set_) return;
    timer_set_ = when;
    itimerspec wanted{};
    if (when != clock::time_point::max()) {
        const auto since = std::max<std::chrono::nanoseconds>(when.time_since_epoch(), 1ns);  // 0 would be none
        wanted.it_value = {since / 1s, (since % 1s).count()};
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &wanted, nullptr);
}

// Says whether it is the alarm.
bool children::timer_fired() {
    bool climbing;
    {
        const std::lock_guard guard(lock_);
        climbing = clock_.now() >= next_climb_;
        if (climbing) next_climb_ = clock::time_point::max();
    }
    const process_table all = climbing ? process_table::read(options_.mark) : process_table();
    const std::lock_guard guard(lock_);
    if (climbing) climb_locked(all);
    if (clock_.now() >= next_stops_) {
        next_stops_ = clock::time_point::max();
        listen_for_stops(EPOLL_CTL_MOD);
    }
    const bool ringing = clock_.now() >= alarm_;
    if (ringing) alarm_ = clock::time_point::max();
    timer_set_ = clock::time_point::max();
    set_timer_locked();
    return ringing;
}

void children::climb_locked(const process_table& all) {
    const clock::time_point now = clock_.now();
    for (const auto& one : ladder_) next_climb_ = std::min(next_climb_, climb_one_locked(*one, all, now));
    std::erase_if(ladder_, [](const auto& one) { return one->gone; });
}

// Returns when to look again. While a child is on the ladder nobody waits for it, so its pid is its own.
clock::time_point children::climb_one_locked(child& of, const process_table& all, clock::time_point now) {
    const auto& steps = options_.ladder.steps();
    const pid_t leader = of.it.pid;
    auto family = all.family(leader, options_.mark.empty() ? std::string() : mark_of(of.tag));
    add_those_seen_before(family, of.family, all);
    if (of.rung < steps.size() && now >= of.next_step) {
        const auto [signal, patience] = steps[of.rung++];
        of.next_step = now + (of.rung == steps.size() ? std::max<clock::duration>(patience, last_patience) : patience);
        signal_group(leader, signal);
        for (const auto& one : family)
            if (one.group != leader) signal_process(one, signal);
    }
    const auto* const self = all.find(leader);
    const bool ended = !self || self->dead;
    const bool over = of.rung == steps.size() && now >= of.next_step;
    of.gone = ended && (family.empty() || over);
    of.family = std::move(family);
    if (of.gone) {
        listen(of, of_end, EPOLL_CTL_MOD);  // it fires at once, and somebody waits for it
        return clock::time_point::max();
    }
    if (ended) return std::min(now + look_again, std::max(of.next_step, now));
    return over ? clock::time_point::max() : of.next_step;  // when it ends, its handle will tell
}

void children::signal_orphans(int signal) {
    const process_table all = process_table::read(options_.mark);
    const std::lock_guard guard(lock_);
    for (const auto& orphan : all.children_of(::getpid())) {
        if (starting_ != 0 || is_ours_locked(orphan.pid) || orphan.dead) continue;
        for (const auto& below : all.family(orphan.pid, {})) signal_process(below, signal);
        signal_process(orphan, signal);
    }
}

}  // namespace gm::kinds::exec
