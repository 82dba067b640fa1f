#pragma once
// A worker as a service: a runner, and beside it one thread that deals with signals, the terminal, systemd and the file of -j.
//
//     the first SIGTERM, SIGINT, SIGQUIT or SIGHUP   nothing more is claimed; what runs may finish within the grace
//     the second                                     what runs is ended by the ladder, and its jobs go back
//     the third                                      by the ladder's last step, at once

#include <chrono>

#include <gristmill/context.hpp>
#include <gristmill/jobs/runner.hpp>

#include <gristmill/kinds/exec/exec_kind.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/work/notifier.hpp"
#include "program/work/reporter.hpp"
#include "program/work/work_options.hpp"

namespace gm::program {

class service {
public:
    // requires: those signals are blocked in all threads of the process. All but the options outlive it.
    service(const work_options& options, jobs::store& store, const jobs::registry& kinds, kinds::exec::exec_crew& crew,
            const notifier& systemd, reporter& tell);

    jobs::runner_report run();

private:
    using clock = std::chrono::steady_clock;

    void attend();
    void take_signals();
    void look(clock::time_point now);
    int patience(clock::time_point now) const;

    kinds::exec::exec_crew& crew_;
    const notifier& systemd_;
    reporter& tell_;
    jobs::runner runner_;
    context_source stop_;
    kinds::exec::unique_fd signals_, over_;

    // The attending thread's.
    slot_count workers_;
    unsigned signals_taken_ = 0;
    clock::time_point next_look_{}, next_ping_ = clock::time_point::max();
};

// Blocks the signals that a service takes, and SIGCHLD, in this thread and those that it will start.
void block_service_signals();

}  // namespace gm::program
