#include "program/run/joblog.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>

#include <gristmill/kinds/exec/system_calls.hpp>

namespace gm::program {

namespace {

constexpr std::string_view header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

template <class Number>
bool read(std::string_view text, Number& to) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));  // numbers may be set to the right
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size();
}

// Neither is anything else a time, nor could to_line() write it.
bool is_time(double seconds) { return std::isfinite(seconds) && std::abs(seconds) < 1e15; }

}  // namespace

std::string to_line(const joblog_entry& entry) {
    char times[80];
    std::snprintf(times, sizeof(times), "\t%.3f\t%10.3f\t", entry.start, entry.runtime);
    std::string line = std::to_string(entry.number) + '\t' + entry.host + times + std::to_string(entry.sent) + '\t' +
                       std::to_string(entry.received) + '\t' + std::to_string(entry.exit_code) + '\t' +
                       std::to_string(entry.signal) + '\t';
    const std::size_t command = line.size();
    line += entry.command;
    std::replace(line.begin() + static_cast<std::ptrdiff_t>(command), line.end(), '\n', '\0');
    return line + '\n';
}

std::optional<joblog_entry> read_joblog_line(std::string_view line) {
    std::array<std::string_view, 8> fields;
    for (std::string_view& field : fields) {
        const std::size_t tab = line.find('\t');
        if (tab == std::string_view::npos) return std::nullopt;
        field = line.substr(0, tab);
        line.remove_prefix(tab + 1);
    }
    joblog_entry entry;
    entry.host = fields[1];
    entry.command = line;
    std::ranges::replace(entry.command, '\0', '\n');
    if (!read(fields[0], entry.number) || !read(fields[2], entry.start) || !read(fields[3], entry.runtime) ||
        !read(fields[4], entry.sent) || !read(fields[5], entry.received) || !read(fields[6], entry.exit_code) ||
        !read(fields[7], entry.signal) || !is_time(entry.start) || !is_time(entry.runtime))
        return std::nullopt;
    return entry;
}

result<std::vector<joblog_entry>, std::string> read_joblog(std::string_view text) {
    std::map<std::uint64_t, joblog_entry> by_number;
    for (std::size_t begin = 0, line = 1; begin < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view here = text.substr(begin, end - begin);
        const bool is_whole = end < text.size();
        begin = end + 1;
        if (here.empty() || here.starts_with("Seq\t")) continue;
        auto entry = read_joblog_line(here);
        if (entry)
            by_number.insert_or_assign(entry->number, std::move(*entry));
        else if (is_whole)  // the last one may have been cut off by a crash
            return failure("line " + std::to_string(line) + " is no line of a joblog");
    }
    std::vector<joblog_entry> all;
    for (auto& [number, entry] : by_number) all.push_back(std::move(entry));
    return all;
}

result<joblog_writer, std::error_code> joblog_writer::open(const std::string& file, bool go_on) {
    joblog_writer made;
    const int how = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (go_on ? 0 : O_TRUNC);
    made.file_.reset(::open(file.c_str(), how, 0666));
    if (!made.file_) return failure(kinds::exec::last_error());
    const bool is_new = !go_on || ::lseek(made.file_.get(), 0, SEEK_END) == 0;
    if (is_new)
        if (const auto failed = kinds::exec::write_all(made.file_.get(), header)) return failure(failed);
    return made;
}

std::error_code joblog_writer::write(const joblog_entry& entry) {
    return kinds::exec::write_all(file_.get(), to_line(entry));
}

}  // namespace gm::program
