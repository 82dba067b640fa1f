#include "program/run/engine.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <gristmill/detail/os.hpp>
#include <gristmill/kinds/exec/process_table.hpp>

#include "program/run/attempt.hpp"

namespace gm::program {

namespace {

kinds::exec::unique_fd descriptor(int fd, const char* what) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
    return kinds::exec::unique_fd(fd);
}

sigset_t our_signals() {
    sigset_t all;
    sigemptyset(&all);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&all, signal);
    return all;
}

kinds::exec::unique_fd watched_signals() {
    const sigset_t wanted = our_signals();
    return descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

kinds::exec::environment variables_of(const run_options& options) {
    auto all = kinds::exec::environment::inherited();
    for (const auto& [name, value] : options.variables) all.set(name, value);
    all.set("PARALLEL_PID", std::to_string(::getpid()));
    return all;
}

batching batching_of(const run_options& options, const run_parts& parts) {
    batching made{.most = options.max_arguments, .shuffle = options.shuffle};
    const std::size_t fixed = parts.command ? parts.command->text_size() : 0;
    if (options.batched) made.room = options.max_size > fixed ? options.max_size - fixed : 1;
    if (options.repeat_words) made.around = fixed;
    if (options.repeat_words) made.spread = options.slots.now();
    return made;
}

}  // namespace

engine::engine(run_parts parts, std::unique_ptr<tuple_source> input, kinds::exec::unique_fd stop)
    : options_(parts.options),
      parts_(std::move(parts)),
      launch_(options_.shell, options_.directory),
      variables_(variables_of(options_)),
      spill_(options_.temporary_folder),
      children_({.ladder = options_.ladder,
                 .mark = kinds::exec::become_subreaper() ? "GRISTMILL_JOB" : "",
                 .tell_stops = controlling_terminal::open().has_value()}),
      signals_(watched_signals()),
      signals_end_(descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      printer_({.room = [this] { children_.resume_all(), children_.wake(); },
                .closed =
                    [this] {
                        const guard held(lock_);
                        result_.output_closed = true;
                        stop_now_locked();
                        children_.wake();
                    },
                .failed = [this](std::error_code why) { broken(why, "the output cannot be written"); }}),
      order_(printer_, spill_),
      slots_(options_.slots),
      gate_(options_.delay, options_.load, options_.free_memory),
      halt_(options_.halt) {
    if (!slots_.file().empty() || options_.timeout_percent) next_look_ = children_.now();
    if (parts_.shown) next_frame_ = children_.now() + display::first;
    feeder_ = std::make_unique<feeder>(std::move(input), batching_of(options_, parts_), parts_.book, std::move(stop),
                                       [this] { children_.wake(); });
}

engine::~engine() = default;

run_result engine::run() {
    {
        const guard held(lock_);
        set_alarm_locked();
    }
    {
        const detail::joined_thread attendant("gm-signals", [this] { attend_to_signals(); });
        std::vector<detail::joined_thread> crew;
        for (unsigned i = 1; i < detail::os::usable_cpus(); ++i) crew.emplace_back("gm-run", [this] { work(); });
        work();
        crew.clear();
        (void)::eventfd_write(signals_end_.get(), 1);
    }
    feeder_->stop();
    if (ending_) children_.signal_orphans(SIGKILL);
    if (parts_.shown) printer_.show_status({});
    // Nothing runs any more. What is left is to print, which may take for ever if nobody reads: from here on a signal ends us.
    const sigset_t signals = our_signals();
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    order_.flush();
    if (feeder_->saw_nul())
        say("the input had zero bytes, which no argument can hold; they became \\0. Did you mean -0?");
    printer_.close();
    if (!feeder_->error().empty() && result_.error.empty()) result_.error = feeder_->error();
    const bool all_read = feeder_->has_read_all();
    result_.status =
        result_.error.empty() ? halt_.exit_status(status_of_last_, all_read ? feeder_->jobs_read() : 0) : 255;
    return std::move(result_);
}

void engine::work() {
    kinds::exec::children::watcher here(children_);
    while (true) {
        while (start_next()) {
        }
        {
            const guard held(lock_);
            if (is_over_locked()) break;
        }
        deal_with(here.next());
    }
    children_.wake();  // the next one finds that it is over, and tells the one after it
}

bool engine::is_over_locked() {
    if (unsettled_ != 0) return false;
    return stopping_ || (retries_.empty() && feeder_->is_over());
}

void engine::deal_with(const kinds::exec::event& e) {
    switch (e.what) {
        case kinds::exec::event::output:
        case kinds::exec::event::errors: take_output(e); break;
        case kinds::exec::event::finished: ended(e.tag, e.how); break;
        case kinds::exec::event::alarm: ring(); break;
        case kinds::exec::event::stopped: stopped(e); break;
        case kinds::exec::event::woken: break;
    }
}

}  // namespace gm::program
