#pragma once
// A run: starts commands, as many at a time as there are slots, until the input is at its end and the last of them has ended.
//
// A few threads (as many as CPUs) do all of it, each the same: take the next event of the children, deal with it, start what may be
// started. There is one lock, held for bookkeeping only; starting a process, writing and calling a watcher happen outside of it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gristmill/kinds/exec/children.hpp>
#include <gristmill/kinds/exec/output_buffer.hpp>

#include "program/run/controlling_terminal.hpp"
#include "program/run/display.hpp"
#include "program/run/durations.hpp"
#include "program/run/feeder.hpp"
#include "program/run/gate.hpp"
#include "program/run/launch.hpp"
#include "program/run/output_order.hpp"
#include "program/run/printer.hpp"
#include "program/run/report.hpp"
#include "program/run/results_folder.hpp"
#include "program/run/run_options.hpp"
#include "program/run/template.hpp"

namespace gm::program {

// What a run is made of, opened and checked.
struct run_parts {
    const run_options& options;
    std::optional<command_template> command;  // none: each line is a command
    std::vector<std::string> names;           // of the columns
    std::optional<results_folder> results;
    std::vector<run_watcher*> watchers;            // outlive the run
    line_book* book = nullptr;                     // as well
    display* shown = nullptr;                      // so does this; null: nothing is shown
    std::optional<controlling_terminal> terminal;  // that commands get, one at a time
};

struct run_result {
    int status = 0;          // to exit with
    int interrupted_by = 0;  // the signal that ended the run, or 0
    bool output_closed = false;
    std::string error;  // what ended it besides
};

class engine {
public:
    // `input` stops being read when `stop`, an eventfd, is written to.
    engine(run_parts parts, std::unique_ptr<tuple_source> input, kinds::exec::unique_fd stop);
    ~engine();

    // requires: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP and SIGCHLD are blocked in all threads of the process.
    run_result run();

    // The time of the run: it stands still while Ctrl-Z has stopped it. Thread safety: any thread.
    kinds::exec::clock::time_point now() const { return children_.now(); }

    // Nothing more is started; what runs may finish. `why` becomes the run's error. Thread safety: any thread.
    void stop_soon(const std::string& why);

private:
    struct attempt;
    struct pending {
        job of;
        unsigned tries;  // before this one
    };
    using guard = std::unique_lock<std::mutex>;
    using clock = kinds::exec::clock;

    void work();
    void deal_with(const kinds::exec::event& e);
    bool is_over_locked();

    // engine_start.cpp
    bool start_next();
    std::optional<pending> next_locked();
    bool may_start_locked(clock::time_point now);
    std::shared_ptr<attempt> begin_locked(pending&& next);
    void start(const std::shared_ptr<attempt>& one);
    bool postpone(attempt& one);
    std::string describe(attempt& one) const;
    std::error_code spawn_and_tell(const std::shared_ptr<attempt>& one, unsigned spare);
    std::error_code spawn(attempt& one, unsigned spare, pid_t& pid);
    void started(const std::shared_ptr<attempt>& one, pid_t pid);
    void dry_run(const std::shared_ptr<attempt>& one);
    std::string tag_of(const attempt& one) const;

    // engine_end.cpp
    void take_output(const kinds::exec::event& e);
    void take_lines(attempt& one, stream which, std::string_view bytes);
    void print_lines(attempt& one, stream which, std::string&& text);
    void ended(std::uint64_t number, const kinds::exec::outcome& how);
    void settle(const std::shared_ptr<attempt>& one, verdict how, const kinds::exec::outcome& outcome,
                std::string reason);
    void conclude(attempt& one);
    void count_locked(verdict how, const kinds::exec::outcome& outcome);
    void deliver(attempt& one);
    void broken(std::error_code why, const char* what);

    // engine_control.cpp
    void ring();
    void end_late_locked(clock::time_point now);
    void end_overdue_locked(clock::time_point now);
    int next_signal();
    void read_signals();
    void attend_to_signals();
    void interrupt_locked(int signal);
    void stop_soon_locked() { stopping_ = true; }
    void stop_now_locked();
    void set_alarm_locked();
    void say(std::string&& line) { printer_.print(stream::errors, "gristmill: " + std::move(line) + '\n'); }
    picture picture_locked(clock::time_point now) const;
    void show(const picture& now);
    std::uint64_t total() const { return feeder_->has_read_all() ? feeder_->jobs_read() : 0; }

    // engine_stops.cpp
    void hold(int stopped_by);
    void stop_and_go_on(int stopped_by);
    void wait_to_go_on(int stopped_by);
    bool wait_for_foreground();
    pid_t owner_of_terminal();
    void stopped(const kinds::exec::event& e);
    void wants_terminal(const std::shared_ptr<attempt>& one);
    void take_terminal_back(attempt& one, const kinds::exec::outcome& how);

    const run_options& options_;
    const run_parts parts_;
    launch launch_;
    kinds::exec::environment variables_;
    kinds::exec::spill_file spill_;
    kinds::exec::children children_;
    kinds::exec::unique_fd signals_, signals_end_;  // the second: nobody attends to them any more
    printer printer_;
    output_order order_;

    std::mutex holding_;               // taken before all others: one pause at a time
    std::atomic<unsigned> pauses_{0};  // that are over, or about to be

    std::mutex lock_;  // protects the rest
    std::unordered_map<std::uint64_t, std::shared_ptr<attempt>> running_;
    std::set<unsigned> free_slots_;
    unsigned slots_made_ = 0;
    unsigned unsettled_ = 0;  // attempts that were begun and are not settled yet
    slot_count slots_;
    gate gate_;
    halt_watch halt_;
    durations durations_;
    std::multimap<clock::time_point, pending> retries_;
    std::set<std::pair<clock::time_point, std::uint64_t>> deadlines_;
    clock::time_point gate_opens_ = clock::time_point::max();
    clock::time_point next_look_ = clock::time_point::max();
    clock::time_point next_frame_ = clock::time_point::max();
    bool told_of_terminal_ = false;
    bool held_ = false;       // by Ctrl-Z: nothing is started until that is over
    bool stopping_ = false;   // nothing is started any more
    bool ending_ = false;     // what runs is being ended
    int status_of_last_ = 0;  // of the job that reached the halt
    run_result result_;
    std::unique_ptr<feeder> feeder_;
};

}  // namespace gm::program
