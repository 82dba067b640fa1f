#include <gristmill/kinds/exec/spawn.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace gm::kinds::exec {

namespace {

std::error_code system_error(int code) { return {code, std::generic_category()}; }

// What the shell, or nohup, had ignored when this process began: its children find it ignored, too.
sigset_t all_but_what_is_ignored() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction now{};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&set, signal);
    }
    return set;
}
const sigset_t to_reset = all_but_what_is_ignored();  // before main() changes any

class attributes {
public:
    attributes() {
        posix_spawnattr_init(&it);
        sigset_t nothing;
        sigemptyset(&nothing);
        posix_spawnattr_setsigmask(&it, &nothing);
        posix_spawnattr_setsigdefault(&it, &to_reset);
        posix_spawnattr_setpgroup(&it, 0);
        posix_spawnattr_setflags(&it, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~attributes() { posix_spawnattr_destroy(&it); }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    posix_spawnattr_t it;
};

class file_actions {
public:
    file_actions() { posix_spawn_file_actions_init(&it); }
    ~file_actions() { posix_spawn_file_actions_destroy(&it); }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    posix_spawn_file_actions_t it;
};

int dev_null() {
    static const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd;
}

// Ours does not block; the child's has to.
int make_pipe(unique_fd& ours, unique_fd& theirs) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
    return ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

// Keeps a descriptor for the handle of a child to be: one that could not be watched must not run. The system gives out the lowest
// number that is free, so while what children take stays below a border, all above it is left.
int keep_place(const process& made, unsigned spare, unique_fd& place) {
    place.reset(::fcntl(dev_null(), F_DUPFD_CLOEXEC, 0));
    if (!place) return errno;
    rlimit most{};
    if (spare == 0 || ::getrlimit(RLIMIT_NOFILE, &most) != 0) return 0;
    const int highest = std::max({place.get(), made.output.get(), made.errors.get()});
    return static_cast<rlim_t>(highest) + spare < most.rlim_cur ? 0 : EMFILE;
}

// The pointers that exec wants: the variables, less those that `extra` replaces, then those.
std::vector<char*> pointers(const environment& base, const std::vector<std::string>& extra) {
    const auto replaced = [&](const std::string& entry) {
        const auto name = std::string_view(entry).substr(0, entry.find('=') + 1);
        for (const std::string& other : extra)
            if (other.starts_with(name)) return true;
        return false;
    };
    std::vector<char*> all;
    all.reserve(base.entries().size() + extra.size() + 1);
    for (const std::string& entry : base.entries())
        if (extra.empty() || !replaced(entry)) all.push_back(const_cast<char*>(entry.c_str()));
    for (const std::string& entry : extra) all.push_back(const_cast<char*>(entry.c_str()));
    all.push_back(nullptr);
    return all;
}

const environment& own_variables() {
    static const environment all = environment::inherited();
    return all;
}

std::error_code exec_in_child(const std::string& file, const command& what, file_actions& actions, pid_t& pid) {
    static const attributes how;
    std::vector<char*> arguments;
    arguments.reserve(what.arguments.size() + 2);
    for (const std::string& argument : what.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const std::vector<char*> variables = pointers(what.variables ? *what.variables : own_variables(), what.extra);
    int failed = ::posix_spawn(&pid, file.c_str(), &actions.it, &how.it, arguments.data(), variables.data());
    if (failed == ENOEXEC) {
        arguments[0] = const_cast<char*>(file.c_str());
        arguments.insert(arguments.begin(), const_cast<char*>("/bin/sh"));
        failed = ::posix_spawn(&pid, "/bin/sh", &actions.it, &how.it, arguments.data(), variables.data());
    }
    return failed ? system_error(failed) : std::error_code();
}

}  // namespace

std::string find_program(std::string_view program) {
    if (program.find('/') != std::string_view::npos) return std::string(program);
    const char* const path = ::getenv("PATH");
    const std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
    for (std::size_t begin = 0; !program.empty() && begin <= folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        const std::string_view folder = folders.substr(begin, end - begin);
        begin = end + 1;
        if (!folder.starts_with('/')) continue;
        std::string file = std::string(folder) + '/' + std::string(program);
        struct stat about{};
        if (::stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode) && ::access(file.c_str(), X_OK) == 0)
            return file;
    }
    return {};
}

result<process, std::error_code> spawn(const command& what) {
    if (what.arguments.empty()) return failure(system_error(ENOENT));
    const std::string file = what.file.empty() ? find_program(what.arguments[0]) : what.file;
    if (file.empty()) return failure(system_error(ENOENT));
    process made;
    unique_fd output, errors;
    file_actions actions;
    const int input = what.terminal >= 0 ? what.terminal : what.input >= 0 ? what.input : dev_null();
    posix_spawn_file_actions_adddup2(&actions.it, input, 0);
    if (what.terminal >= 0) posix_spawn_file_actions_addtcsetpgrp_np(&actions.it, 0);
    if (what.output == through_pipe)
        if (const int failed = make_pipe(made.output, output)) return failure(system_error(failed));
    if (what.errors == through_pipe)
        if (const int failed = make_pipe(made.errors, errors)) return failure(system_error(failed));
    unique_fd place;
    if (const int failed = keep_place(made, what.spare, place)) return failure(system_error(failed));
    // A descriptor is put on itself, too: that takes its close-on-exec away.
    posix_spawn_file_actions_adddup2(&actions.it, output ? output.get() : what.output, 1);
    posix_spawn_file_actions_adddup2(&actions.it, errors ? errors.get() : what.errors, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions.it, 3);
    if (!what.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions.it, what.directory.c_str());

    if (const auto failed = exec_in_child(file, what, actions, made.pid)) return failure(failed);
    for (unique_fd* const kept : {&place, &output, &errors}) kept->reset();
    made.handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, made.pid, 0)));
    if (made.handle) return made;
    const int why = errno;  // another thread was faster
    ::kill(-made.pid, SIGKILL);
    while (::waitpid(made.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return failure(system_error(why));
}

}  // namespace gm::kinds::exec
