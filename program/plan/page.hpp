#pragma once
// A page about a run: HTML that needs nothing besides itself. It has no script, and forbids any to the browser that shows it; what comes
// from the log is text wherever it stands.

#include <string>

#include "program/plan/history.hpp"

namespace gm::program {

// What the page says about its run besides.
struct page_words {
    std::string title;
    std::string retry;  // the command line that runs the failures again
};
std::string page_of(const run_history& run, const page_words& words);

// page_charts.cpp: parts of it.
std::string lanes_chart(const run_history& run);
std::string throughput_chart(const run_history& run);
std::string crew_chart(const run_history& run);
std::string durations_chart(const run_history& run);
// page_style.cpp
const char* page_style();

// "exit 1", "SIGKILL", "timed out", "ok".
std::string status_text(const joblog_entry& entry);
// A command as the page has it: of a very long one the beginning.
std::string command_text(const joblog_entry& entry, std::size_t most);

}  // namespace gm::program
