// The limits of this process and what little room there may be below them.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include <gristmill/detail/os.hpp>
#include <gristmill/jobs/zone.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/doctor/finding.hpp"

namespace gm::program {

namespace {

constexpr std::uint64_t mebi = 1024 * 1024, gibi = 1024 * mebi;

std::string size_text(std::uint64_t bytes) {
    std::array<char, 32> room{};
    if (bytes >= gibi)
        std::snprintf(room.data(), room.size(), "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(gibi));
    else
        std::snprintf(room.data(), room.size(), "%llu MiB", static_cast<unsigned long long>(bytes / mebi));
    return room.data();
}

std::optional<std::uint64_t> number_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::uint64_t number = 0;
    return in >> number ? std::optional(number) : std::nullopt;
}

// The folder of this process's cgroup (version 2).
std::filesystem::path cgroup() {
    std::ifstream membership("/proc/self/cgroup");
    for (std::string line; std::getline(membership, line);)
        if (line.starts_with("0::"))
            return std::filesystem::path("/sys/fs/cgroup") / line.substr(std::min<std::size_t>(line.size(), 4));
    return "/sys/fs/cgroup";
}

// The tightest limit in the file of that name on the way to the root, and how much of it is used there.
struct share {
    std::uint64_t most, used;
    std::uint64_t left() const noexcept { return most > used ? most - used : 0; }
};
std::optional<share> cgroup_share(const char* limit, const char* usage) {
    std::optional<share> tightest;
    const std::filesystem::path root("/sys/fs/cgroup");
    for (std::filesystem::path at = cgroup();; at = at.parent_path()) {
        const auto most = number_in(at / limit), used = number_in(at / usage);
        if (most && used && (!tightest || *most - std::min(*most, *used) < tightest->left()))
            tightest = share{*most, *used};
        if (at == root || !at.has_relative_path()) return tightest;
    }
}

finding open_files() {
    constexpr rlim_t little = 1024;
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    finding made{"open files", health::good, std::to_string(now.rlim_cur) + " for a process"};
    if (now.rlim_cur == RLIM_INFINITY) made.says = "no limit";
    if (now.rlim_max != now.rlim_cur) made.says += ", which it may raise to " + std::to_string(now.rlim_max);
    if (now.rlim_max < little) {
        made.how = health::low;
        made.advice = "a command that runs takes three: ulimit -n 65536, or LimitNOFILE=65536 in the unit";
    }
    return made;
}

finding processes() {
    constexpr std::uint64_t little = 500;
    rlimit now{};
    ::getrlimit(RLIMIT_NPROC, &now);
    finding made{"processes", health::good, "no limit of this user"};
    if (now.rlim_cur != RLIM_INFINITY) made.says = std::to_string(now.rlim_cur) + " of this user";
    const auto group = cgroup_share("pids.max", "pids.current");
    if (group) made.says += "; the cgroup has " + std::to_string(group->used) + " of " + std::to_string(group->most);
    if (now.rlim_cur < little || (group && group->left() < little)) {
        made.how = health::low;
        made.advice = "ulimit -u, or TasksMax= in the unit: each command is a process, each thread of a crew counts";
    }
    return made;
}

finding memory() {
    constexpr std::uint64_t little = 256 * mebi;
    const auto group = cgroup_share("memory.max", "memory.current");
    std::ifstream info("/proc/meminfo");
    std::uint64_t free = 0;
    for (std::string name, unit; info >> name >> free; std::getline(info, unit))
        if (name == "MemAvailable:") break;
    free *= 1024;
    finding made{"memory", health::good, size_text(free) + " available"};
    if (group) made.says += "; the cgroup has used " + size_text(group->used) + " of " + size_text(group->most);
    if (free < little || (group && group->left() < little)) {
        made.how = health::low;
        made.advice = "a smaller crew (-j), gristmill run --memfree, or MemoryMax= in the unit";
    }
    return made;
}

finding time_zones() {
    if (jobs::zone::named("Europe/Berlin")) return {"time zones", health::good, "the system's"};
    return {"time zones", health::low, "only UTC is known",
            "install tzdata; a build of one's own needs libhowardhinnant-date-dev as well"};
}

// How long a small write and its fdatasync take, in the middle of some; none: it cannot be tried there.
std::optional<std::chrono::microseconds> sync_time(const std::string& folder) {
    const kinds::exec::unique_fd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file.get() < 0) return std::nullopt;
    std::array<std::chrono::steady_clock::duration, 9> took{};
    const std::array<char, 4096> page{};
    for (auto& each : took) {
        const auto start = std::chrono::steady_clock::now();
        if (::write(file.get(), page.data(), page.size()) < 0 || ::fdatasync(file.get()) != 0) return std::nullopt;
        each = std::chrono::steady_clock::now() - start;
    }
    std::ranges::nth_element(took, took.begin() + took.size() / 2);
    return std::chrono::ceil<std::chrono::microseconds>(took[took.size() / 2]);
}

}  // namespace

void look_at_machine(findings& to) {
    to.push_back({"cpus", health::good, std::to_string(gm::detail::os::usable_cpus()) + " for this process"});
    to.push_back(open_files());
    to.push_back(processes());
    to.push_back(memory());
    to.push_back(time_zones());
}

void look_at_disk(findings& to, const std::string& file) {
    const std::filesystem::path parent = std::filesystem::path(file).parent_path();
    const std::string folder = parent.empty() ? "." : parent.string();
    struct statvfs disk{};
    if (::statvfs(folder.c_str(), &disk) != 0) {
        if (errno == ENOENT) return;  // the store will say so
        return to.push_back(
            {"disk", health::bad, folder + ": " + std::strerror(errno), "look at the rights of the folder"});
    }
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    finding room{"disk", health::good, size_text(free) + " free in " + folder};
    const bool no_names = disk.f_files != 0 && disk.f_favail == 0;
    if (free < gibi || no_names) {
        room.how = free < 16 * mebi || no_names ? health::bad : health::low;
        room.advice = "make room; gristmill rm --state over takes away what is finished";
        if (no_names) room.says += ", and no inodes";
    }
    to.push_back(std::move(room));
    const auto time = sync_time(folder);
    if (!time) return to.push_back({"fsync", health::good, "cannot be tried on this file system"});
    finding speed{"fsync", health::good, std::to_string(time->count()) + " us"};
    if (*time > std::chrono::milliseconds(20)) {
        speed.how = health::low;
        speed.advice = "each commit waits for that; a faster disk, many jobs in one push, or ?sync=normal in the URL";
    }
    to.push_back(std::move(speed));
}

}  // namespace gm::program
