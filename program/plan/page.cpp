#include "program/plan/page.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include <gristmill/kinds/exec/kill_ladder.hpp>

#include "program/cli/safe_text.hpp"
#include "program/run/estimate.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_failures = 1000, most_slow = 10;
constexpr std::size_t most_of_command = 4000;

std::string moment_text(double since_1970) {
    const auto seconds = static_cast<std::time_t>(std::clamp(since_1970, -6e10, 2.5e11));  // years of four digits
    std::tm parts{};
    char text[64] = "";
    if (::gmtime_r(&seconds, &parts)) (void)std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

std::string figure(const std::string& value, const std::string& name, bool bad = false) {
    return std::string("<div") + (bad ? " class=\"bad\"" : "") + "><b>" + value + "</b><span>" + name +
           "</span></div>\n";
}

std::string head(const run_history& run, const std::string& title) {
    const double took = std::max(run.took(), 1e-3);
    char at_a_time[32];
    std::snprintf(at_a_time, sizeof(at_a_time), "%.1f", run.work / took);
    return "<h1>" + for_page(title) + "</h1>\n<p>" + moment_text(run.begin) + " to " + moment_text(run.end) +
           "</p>\n<div class=\"figures\">\n" + figure(std::to_string(run.jobs.size()), "jobs") +
           figure(std::to_string(run.failed), "failed", run.failed != 0) + figure(time_text(run.took()), "taken") +
           figure(time_text(run.work), "of work") +
           figure(at_a_time, "at a time, of up to " + std::to_string(run.lanes)) +
           figure(rate_text(static_cast<double>(run.jobs.size()) / took), "jobs") +
           figure(time_text(run.duration_at(0.5)), "a job, in the middle") +
           figure(time_text(run.duration_at(0.95)), "19 of 20 took less") +
           figure(time_text(run.duration_at(1)), "the longest") + "</div>\n";
}

std::string section(const std::string& title, const std::string& says, const std::string& inside) {
    return "<section>\n<h2>" + title + "</h2>\n" + (says.empty() ? "" : "<p>" + says + "</p>\n") + inside +
           "</section>\n";
}

std::string table(const run_history& run, const std::vector<const past_job*>& jobs) {
    std::string all =
        "<div class=\"scroll\"><table>\n<tr><th class=\"number\">Job</th><th>Ended</th><th class=\"number\">From</th>"
        "<th class=\"number\">Took</th><th>Command</th></tr>\n";
    for (const past_job* job : jobs) {
        const joblog_entry& it = job->entry;
        all += "<tr><td class=\"number\">" + std::to_string(it.number) + "</td><td" +
               (it.failed() ? " class=\"bad-text\">" : ">") + status_text(it) + "</td><td class=\"number\">" +
               time_text(it.start - run.begin) + "</td><td class=\"number\">" + time_text(it.runtime) +
               "</td><td class=\"command\">" + command_text(it, most_of_command) + "</td></tr>\n";
    }
    return all + "</table></div>\n";
}

std::string failures_section(const run_history& run, const std::string& retry) {
    if (run.failed == 0) return section("Failures", "", "<p>None: all jobs succeeded.</p>\n");
    std::vector<const past_job*> jobs;
    for (const past_job& job : run.jobs)
        if (job.entry.failed() && jobs.size() < most_failures) jobs.push_back(&job);
    std::string says =
        "To run " + std::string(run.failed == 1 ? "it" : "them") + " again: <code>" + for_page(retry) + "</code>";
    if (run.failed > jobs.size())
        says += " &nbsp; The first " + std::to_string(jobs.size()) + " of " + std::to_string(run.failed) + ":";
    return section("Failures", says, table(run, jobs));
}

std::string slowest_section(const run_history& run) {
    std::vector<const past_job*> jobs;
    for (const past_job& job : run.jobs) jobs.push_back(&job);
    const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(std::min(jobs.size(), most_slow));
    std::ranges::partial_sort(jobs, end, std::greater<>(), [](const past_job* job) { return job->entry.runtime; });
    jobs.erase(end, jobs.end());
    return section("Those that took longest", "", table(run, jobs));
}

}  // namespace

std::string status_text(const joblog_entry& entry) {
    if (entry.exit_code == -1) return "timed out";
    if (entry.signal != 0) return "SIG" + kinds::exec::signal_name(entry.signal);
    return entry.exit_code == 0 ? "ok" : "exit " + std::to_string(entry.exit_code);
}

std::string command_text(const joblog_entry& entry, std::size_t most) {
    if (entry.command.size() <= most) return for_page(entry.command);
    std::size_t end = most;  // not inside of a character
    while (end > 0 && most - end < 4 && (entry.command[end] & 0xc0) == 0x80) --end;
    return for_page(std::string_view(entry.command).substr(0, end)) + "…";
}

std::string page_of(const run_history& run, const page_words& words) {
    const char* const lanes = run.knows_workers
                                  ? "A lane for each worker. "
                                  : "A lane for each job at a time, the first that is free; the log does not say which "
                                    "worker it was. ";
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
           for_page(words.title) + "</title>\n<style>" + page_style() + "</style>\n</head>\n<body>\n" +
           head(run, words.title) +
           section("What ran when",
                   std::string(lanes) + "<i class=\"key\"></i>succeeded <i class=\"key bad\"></i>failed",
                   lanes_chart(run)) +
           "<div class=\"two\">" + section("Ended, in a second", "", throughput_chart(run)) +
           section("Running at a time", "", crew_chart(run)) + "</div>" +
           section("How long jobs took", "", durations_chart(run)) + failures_section(run, words.retry) +
           slowest_section(run) + "</body>\n</html>\n";
}

}  // namespace gm::program
