#include <gristmill/kinds/exec/process_table.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::kinds::exec {

namespace {

std::string read_file(const char* path) {
    const unique_fd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::string text;
    char room[4096];
    while (file) {
        const ssize_t got = ::read(file.get(), room, sizeof(room));
        if (got <= 0) break;
        text.append(room, static_cast<std::size_t>(got));
    }
    return text;
}

// The fields after the name, which may hold anything, a parenthesis too: so they are counted from the last one.
bool read_stat(pid_t pid, process_table::entry& into) {
    char path[40];
    std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const std::string text = read_file(path);
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return false;
    char state = 0;
    int parent = 0, group = 0;
    unsigned long long started = 0;
    const int read = std::sscanf(text.c_str() + name_end + 1,
                                 " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                                 &state, &parent, &group, &started);
    if (read != 4) return false;
    into = {pid, parent, group, state == 'Z' || state == 'X', state == 'T', started};
    return true;
}

std::string marks_of(pid_t pid, std::string_view name) {
    char path[40];
    std::snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    const std::string text = '\0' + read_file(path);
    const std::string start = '\0' + std::string(name) + '=';
    const std::size_t found = text.find(start);
    if (found == std::string::npos) return {};
    const std::size_t begin = found + start.size();
    return text.substr(begin, text.find('\0', begin) - begin);
}

bool by_parent(const process_table::entry& a, const process_table::entry& b) { return a.parent < b.parent; }

}  // namespace

process_table process_table::read(std::string_view mark_name) {
    process_table all;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), &::closedir);
    while (folder) {
        const dirent* const found = ::readdir(folder.get());
        if (!found) break;
        const std::string_view name = found->d_name;
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        entry about{};
        if (error == std::errc() && end == name.data() + name.size() && read_stat(pid, about))
            all.entries_.push_back(about);
    }
    std::sort(all.entries_.begin(), all.entries_.end(), by_parent);
    if (!mark_name.empty())
        for (const entry& own : all.children_of(::getpid()))
            if (!own.dead) all.marks_.emplace_back(own, marks_of(own.pid, mark_name));
    return all;
}

std::vector<process_table::entry> process_table::marked(std::string_view mark_name, std::string_view begin) {
    const process_table all = read({});
    const std::string later = ';' + std::string(begin);
    std::vector<entry> found;
    for (const entry& one : all.entries_) {
        if (one.dead) continue;
        const std::string marks = marks_of(one.pid, mark_name);
        if (marks.starts_with(begin) || marks.find(later) != std::string::npos) found.push_back(one);
    }
    return found;
}

std::span<const process_table::entry> process_table::children_of(pid_t parent) const {
    const entry wanted{0, parent, 0, false, false, 0};
    const auto [first, last] = std::equal_range(entries_.begin(), entries_.end(), wanted, by_parent);
    return {first, last};
}

std::vector<process_table::entry> process_table::family(pid_t leader, std::string_view mark) const {
    std::vector<entry> found;
    const auto add = [&](const entry& one) {
        const bool known = std::any_of(found.begin(), found.end(), [&](const entry& e) { return e.pid == one.pid; });
        if (!known && one.pid != leader && one.pid != ::getpid()) found.push_back(one);
    };
    for (const entry& one : children_of(leader)) add(one);
    for (const entry& one : entries_)
        if (one.group == leader) add(one);
    if (!mark.empty())
        for (const auto& [one, marks] : marks_)
            if (marks.find(mark) != std::string::npos) add(one);
    for (std::size_t next = 0; next < found.size(); ++next)  // grows while it is walked: the children's children
        for (const entry& one : children_of(found[next].pid)) add(one);
    std::erase_if(found, [](const entry& one) { return one.dead; });
    return found;
}

const process_table::entry* process_table::find(pid_t pid) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& one) { return one.pid == pid; });
    return found == entries_.end() ? nullptr : &*found;
}

std::optional<process_table::entry> look_at(pid_t pid) {
    process_table::entry now{};
    return read_stat(pid, now) ? std::optional(now) : std::nullopt;
}

void signal_process(const process_table::entry& whom, int signal) noexcept {
    const unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, whom.pid, 0)));
    process_table::entry now{};
    // Once the handle is there it stays with one process; the second look tells whether it is the one that was meant.
    if (handle && read_stat(whom.pid, now) && now.started == whom.started)
        ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
}

bool become_subreaper() noexcept { return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0; }

}  // namespace gm::kinds::exec
