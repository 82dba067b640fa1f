#include "program/run/joblog_watcher.hpp"

namespace gm::program {

void joblog_watcher::finished(const finish_report& report) {
    if (report.will_be_retried || report.how == verdict::stopped) return;
    using seconds = std::chrono::duration<double>;
    joblog_entry entry;
    entry.number = numbers_.empty() ? report.of.sequence : numbers_[report.of.number - 1];
    entry.start = seconds(report.started.time_since_epoch()).count();
    entry.runtime = seconds(report.outcome.runtime).count();
    entry.received = report.output_size;
    entry.exit_code = report.how == verdict::timed_out ? -1 : report.outcome.exit_code;
    entry.signal = report.outcome.signal;
    entry.command = report.command;
    if (const auto failed = to_.write(entry)) {
        const std::lock_guard guard(lock_);
        if (!error_) error_ = failed;
    }
}

std::error_code joblog_watcher::error() const {
    const std::lock_guard guard(lock_);
    return error_;
}

}  // namespace gm::program
