#pragma once
// The children that run now, and what happens to them, for any number of threads at once. There is no thread for each
// child: the threads of a crew share one epoll set, each takes the next event, deals with it and perhaps starts the next
// child. So nothing is handed from thread to thread between the end of one child and the start of the next.
//
//     children crew;
//     crew.start(std::move(what), tag);
//     children::watcher here(crew);               // one for each thread
//     while (true) {
//         const event e = here.next();            // sleeps until there is one
//         if (e.what == event::output) …          // e.bytes, valid until the next call
//         if (e.what == event::finished) …        // e.how; all its output was told before
//     }
//
// All events of one child come one after the other, whichever threads get them. A child has ended when its own process
// has; what a process that it left behind writes later is not waited for.
//
// To end a child is to end what descends from it, too: its process group, what left that group, and (if this process is
// a subreaper) what was orphaned. Until the last of them is gone the child is kept as a zombie, so that its number, and
// that of its group, cannot come to mean somebody else.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/command.hpp>
#include <gristmill/kinds/exec/kill_ladder.hpp>
#include <gristmill/kinds/exec/pausable_clock.hpp>
#include <gristmill/kinds/exec/process_table.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::kinds::exec {

struct event {
    enum kind : unsigned char {
        output,    // bytes of a child's standard output
        errors,    // bytes of its standard error
        finished,  // and nothing more of it
        alarm,     // the time of set_alarm() has come
        woken,     // by wake()
        stopped,   // a child, by the signal how.signal; beside its other events, and perhaps a moment late
    };
    kind what = woken;
    std::uint64_t tag = 0;  // of the child
    std::string_view bytes{};
    outcome how{};
};

struct children_options {
    kill_ladder ladder{};
    // A variable that each child gets, by which orphans are known. Empty: they are not looked for.
    std::string mark{};
    // Events `stopped` are wanted. They come for a child's own process, not for what descends from it.
    // requires: SIGCHLD is blocked in all threads of the process.
    bool tell_stops = false;
};

class children {
    struct child;

public:
    static constexpr std::uint64_t largest_tag = (std::uint64_t{1} << 61) - 1;

    explicit children(children_options how = {});
    ~children();  // requires: no watcher is left. What still runs is left alone
    children(const children&) = delete;
    children& operator=(const children&) = delete;

    // requires: no other child with this tag runs; tag <= largest_tag.
    result<pid_t, std::error_code> start(command&& what, std::uint64_t tag);

    // Begins the ladder for this child and all that descends from it; its `finished` comes when they are gone, or one second
    // after the last step. Nothing happens if it is not there; a second call takes the ladder's last step at once.
    void end(std::uint64_t tag);
    void end_all();
    // The same, with the last step alone, at once.
    void kill(std::uint64_t tag);
    void kill_all();

    // The child's stream is not read again until resume_all(): the child waits when its pipe is full.
    // requires: called while an output event of that stream is being dealt with.
    void pause(std::uint64_t tag, event::kind stream);
    void resume_all();

    // Ctrl-Z: stops what runs, with all that descends from it, and what is started from here on. By SIGTSTP, as the terminal would if
    // the children were in our group, and not by SIGSTOP, which nobody hears: so a run inside of a run stops its own children in turn,
    // and what has to leave something in order can. When it returns no start is under way.
    void hold_all();
    // All of that goes on, but for what had been stopped before, by itself or by somebody else.
    void release_all();
    // The time that counts here, for children and alarms: it stands still while everything is held.
    clock::time_point now() const { return clock_.now(); }

    // One event `alarm` at that time, by now()'s clock. A new time replaces the old one; time_point::max() is none.
    void set_alarm(clock::time_point when);
    // One event `woken`, on one thread. Several calls may become one event.
    void wake() noexcept;

    // Sends it to every process that was orphaned by a child of ours that has finished.
    void signal_orphans(int signal);

    class watcher {
    public:
        explicit watcher(children& of);
        ~watcher();
        watcher(const watcher&) = delete;
        watcher& operator=(const watcher&) = delete;

        event next();

    private:
        bool take(std::uint64_t tag, unsigned which);
        bool go_on(event& out);

        children& of_;
        std::shared_ptr<child> held_;  // whose event is being dealt with; nobody else touches it
        std::vector<event> stops_;     // found, and not told yet
        std::unique_ptr<char[]> room_;
    };

private:
    std::string mark_of(std::uint64_t tag) const;
    void listen(child& of, unsigned which, int how);
    void listen_again(child& of, unsigned which);
    bool step(child& of, char* room, event& out);
    bool read_stream(child& of, unsigned which, char* room, event& out);
    bool wait_for(child& of, event& out);
    void reap_orphans_locked();

    void find_stops(std::vector<event>& found);
    void listen_for_stops(int how);

    void let_starts_end(std::unique_lock<std::mutex>& held);
    bool is_ours_locked(pid_t pid) const;
    template <class F>
    void each_family_locked(F&& deal_with) const;

    void set_timer_locked();
    bool timer_fired();
    void end_one(std::uint64_t tag, bool at_once);
    void end_each(bool at_once);
    void begin_ladder_locked(const std::shared_ptr<child>& of, bool at_once);
    void climb_locked(const process_table& all);
    clock::time_point climb_one_locked(child& of, const process_table& all, clock::time_point now);

    const children_options options_;
    const std::string mark_before_;  // what a run around this one has put there
    pausable_clock clock_;
    unique_fd events_, timer_, bell_;
    unique_fd child_signals_;  // SIGCHLD, if stops are to be told
    mutable std::mutex lock_;  // protects the rest
    std::unordered_map<std::uint64_t, std::shared_ptr<child>> running_;
    std::vector<std::shared_ptr<child>> ladder_;  // those that are being ended
    clock::time_point alarm_ = clock::time_point::max();
    clock::time_point next_climb_ = clock::time_point::max();
    clock::time_point next_stops_ = clock::time_point::max();
    clock::time_point timer_set_ = clock::time_point::max();
    unsigned starting_ = 0;  // children that exist, perhaps, and are not in running_ yet
    std::condition_variable start_ended_;
    bool held_ = false;
    std::vector<process_table::entry> stopped_before_;  // they were held
    unsigned finished_ = 0;
};

}  // namespace gm::kinds::exec
