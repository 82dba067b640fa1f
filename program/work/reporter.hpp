#pragma once
// What a worker tells about its jobs: on a terminal a line that is kept up to date, and the failures; elsewhere a line for each
// attempt that ended, on standard output. What the store or the worker suffers from goes to standard error. A job's kind and error
// are shown as printable() has them, wherever they go: a log is looked at on a terminal, too.

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include <gristmill/jobs/runner.hpp>

#include "program/run/printer.hpp"

namespace gm::program {

class reporter final : public jobs::runner_observer {
public:
    struct options {
        std::string verb;  // before what goes to standard error
        jobs::store* store = nullptr;
        bool terminal = false;
        bool quiet = false;  // no lines about jobs
        bool json = false;
    };
    explicit reporter(options how);

    void finished(const jobs::attempt_event& of) noexcept override;
    void failed(const jobs::attempt_event& of) noexcept override;
    void lost(const jobs::attempt_event& of) noexcept override;
    void put_off(const jobs::attempt_event& of) noexcept override;
    void trouble(const jobs::trouble_event& of) noexcept override;
    void resized(unsigned workers) noexcept override;
    void wedged(std::chrono::nanoseconds since) noexcept override;

    // A command is stopped. Its text is not told: there may be secrets in it.
    void wants_terminal(const jobs::attempt& of) noexcept;

    void say(std::string_view text);              // on standard error
    void show(const jobs::runner_snapshot& now);  // the terminal's line
    void close() { printer_.close(); }            // all is written when it returns

    bool on_terminal() const noexcept { return how_.terminal; }
    // Since the last exchange hung: a watchdog should not be told that all is well.
    bool is_wedged() const noexcept { return wedged_.load(); }

private:
    void tell(const jobs::attempt_event& of, const char* what) noexcept;
    std::string line_for(const jobs::attempt_event& of, const char* what) const;

    const options how_;
    std::atomic<bool> wedged_{false};
    std::set<std::string, std::less<>> kinds_of_others_;  // the exchanger's
    printer printer_;
};

// "12 completed, 1 to be tried again, 3 running of 4"
std::string summary_of(const jobs::attempt_counts& counts);

}  // namespace gm::program
