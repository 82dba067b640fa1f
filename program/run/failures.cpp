#include "program/run/failures.hpp"

#include <algorithm>

#include <gristmill/kinds/exec/kill_ladder.hpp>

#include "program/cli/safe_text.hpp"
#include "program/run/shell_scan.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_shown = 10;
constexpr std::size_t most_columns_told = 1000;

}  // namespace

std::string why_it_failed(const finish_report& report) {
    if (report.how == verdict::timed_out) return "timed out";
    if (report.how == verdict::not_started) return "not started";
    if (report.outcome.signal != 0) return "SIG" + kinds::exec::signal_name(report.outcome.signal);
    return "exit " + std::to_string(report.outcome.exit_code);
}

void failures::finished(const finish_report& report) {
    if (report.will_be_retried || report.how == verdict::stopped) return;
    const std::lock_guard guard(lock_);
    ++finished_;
    if (report.how == verdict::succeeded) return;
    ++failed_;
    if (first_.size() < most_shown) first_.push_back({why_it_failed(report), report.command, report.reason});
}

std::string failures::summary(const std::string& again) const {
    const std::lock_guard guard(lock_);
    if (failed_ == 0) return {};
    std::string all = "gristmill: " + std::to_string(failed_) + " of " + std::to_string(finished_) +
                      (finished_ == 1 ? " job failed" : " jobs failed") +
                      (failed_ > first_.size() ? ", first:\n" : ":\n");
    for (const failure& one : first_) {
        std::string reason = one.why;
        reason.resize(std::max<std::size_t>(reason.size() + 2, 13), ' ');
        all += "    " + reason + one_line(one.command, most_columns_told) +
               (one.reason.empty() ? "" : "    (" + printable(one.reason) + ")") + '\n';
    }
    all += "To run " + std::string(failed_ == 1 ? "it" : "them") + " again:\n";
    if (!again.empty()) return all + "    " + printable(again) + '\n';
    all += "    gristmill run :::";
    for (const failure& one : first_) all += ' ' + printable(shell_word(one.command), lines::many);
    all += '\n';
    if (failed_ > first_.size())
        all += "That is the first of them; a run with --joblog FILE can run all of them again.\n";
    return all;
}

}  // namespace gm::program
