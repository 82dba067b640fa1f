#include "faults/audit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

namespace faults {

namespace {

std::int64_t now() noexcept {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// A process writes down what it is about to do to another just before it does it; what the other wrote meanwhile may be later.
constexpr std::int64_t just_before = 1'000'000'000;

struct run {
    line start;
    const line* end = nullptr;
};

struct job_story {
    std::vector<run> runs;
    std::set<std::int64_t> finishes;  // epochs
    std::int64_t finished_at = 0;     // the first accepted one
};

class history {
public:
    explicit history(const std::vector<line>& lines) {
        for (const line& each : lines) add(each);
    }

    verdict judged() {
        for (const auto& [id, story] : jobs_) judge_one(id, story);
        said_.accepted = accepted_;
        return said_;
    }

private:
    void add(const line& each) {
        switch (each.what) {
            case 'I': ++accepted_; break;
            case 'S': jobs_[each.about].runs.push_back({each}); break;
            case 'E':
                for (run& one : jobs_[each.about].runs)
                    if (one.start.process == each.process && !one.end) one.end = &each;
                break;
            case 'F': {
                job_story& job = jobs_[each.about];
                if (job.finishes.empty()) job.finished_at = each.at;
                job.finishes.insert(each.more);
                break;
            }
            case 'K': kills_[each.about].push_back(each.at); break;
            case 'Z': freezes_[each.about].push_back(each.at); break;
            default: break;
        }
    }

    static bool any_within(const std::map<std::int64_t, std::vector<std::int64_t>>& times, int process,
                           std::int64_t from, std::int64_t to) {
        const auto found = times.find(process);
        return found != times.end() &&
               std::ranges::any_of(found->second, [&](std::int64_t at) { return at >= from && at <= to; });
    }

    void judge_one(std::int64_t id, const job_story& job) {
        said_.started += job.runs.size();
        if (job.finishes.size() > 1) complain(said_.finished_twice, id, "two finishes were accepted");
        for (std::size_t i = 0; i != job.runs.size(); ++i) {
            const run& here = job.runs[i];
            if (job.finished_at != 0 && here.start.at > job.finished_at)
                complain(said_.started_after_finish, id, "started after an accepted finish");
            if (i != 0) judge_rerun(id, job.runs[i - 1], here);
        }
    }

    void judge_rerun(std::int64_t id, const run& before, const run& here) {
        ++said_.reruns;
        const int owner = before.start.process;
        const std::int64_t from = before.start.at - just_before, to = here.start.at;
        const bool killed = any_within(kills_, owner, from, to), frozen = any_within(freezes_, owner, from, to);
        const bool threw = before.end && before.end->at <= to && before.end->more == 0;
        if (killed || frozen || threw)
            ++said_.explained;
        else
            complain(unexplained_, id, "was run again without a reason");
        const bool still_at_it = !before.end || before.end->at > to;
        if (still_at_it && !killed && !frozen) complain(said_.two_owners, id, "had two owners at a time");
    }

    void complain(std::size_t& counter, std::int64_t id, const char* what) {
        ++counter;
        if (said_.wrong.size() < 10) said_.wrong.emplace(id, what);
    }

    std::map<std::int64_t, job_story> jobs_;
    std::map<std::int64_t, std::vector<std::int64_t>> kills_, freezes_;
    std::size_t accepted_ = 0, unexplained_ = 0;
    verdict said_;
};

}  // namespace

audit_log::audit_log(const std::string& folder)
    : file_(open((folder + "/" + std::to_string(getpid()) + ".audit").c_str(),
                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (file_ < 0) {
        std::fprintf(stderr, "no audit log in %s: %s\n", folder.c_str(), std::strerror(errno));
        std::exit(2);
    }
}

audit_log::~audit_log() { close(file_); }

void audit_log::note(char what, std::int64_t about, std::int64_t more) noexcept {
    char text[96];
    const int length = std::snprintf(text, sizeof text, "%" PRId64 " %d %c %" PRId64 " %" PRId64 "\n", now(), getpid(),
                                     what, about, more);
    if (write(file_, text, static_cast<std::size_t>(length)) != length) std::abort();
}

std::vector<line> read_audit(const std::string& folder) {
    std::vector<line> lines;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".audit") continue;
        std::ifstream file(entry.path());
        for (std::string text; std::getline(file, text) && !file.eof();) {  // at the end of the file: it was cut short
            line each;
            if (std::sscanf(text.c_str(), "%" SCNd64 " %d %c %" SCNd64 " %" SCNd64, &each.at, &each.process, &each.what,
                            &each.about, &each.more) == 5)
                lines.push_back(each);
        }
    }
    std::ranges::sort(lines, {}, [](const line& each) { return std::pair(each.at, each.process); });
    return lines;
}

verdict judge(const std::vector<line>& lines) { return history(lines).judged(); }

std::vector<std::int64_t> accepted_in(const std::vector<line>& lines) {
    std::vector<std::int64_t> ids;
    for (const line& each : lines)
        if (each.what == 'I') ids.push_back(each.about);
    return ids;
}

}  // namespace faults
