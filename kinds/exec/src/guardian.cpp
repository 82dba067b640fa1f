#include <gristmill/kinds/exec/guardian.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <gristmill/kinds/exec/process_table.hpp>

namespace gm::kinds::exec {

namespace {

constexpr int quiet_looks = 3;    // one that was being started has its mark by the next
constexpr int most_looks = 1000;  // what may not be killed, or cannot die, is not waited for
constexpr int pause_ms = 20;

void kill_what_is_left(std::string_view mark, pid_t of) {
    const std::string begin = std::to_string(of) + '.';
    int quiet = 0;
    for (int look = 0; look != most_looks && quiet != quiet_looks; ++look) {
        const auto found = process_table::marked(mark, begin);
        for (const process_table::entry& each : found) signal_process(each, SIGKILL);
        quiet = found.empty() ? quiet + 1 : 0;
        ::poll(nullptr, 0, pause_ms);
    }
}

[[noreturn]] void stand_guard(std::string_view mark, pid_t over, int line) {
    ::setsid();  // a Ctrl-C, and a kill of the group, are not for it
    ::prctl(PR_SET_NAME, "gm-guardian");
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
    // It holds nothing open that somebody waits to see closed.
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(nothing, fd);
    ::dup2(line, 3);
    ::close_range(4, ~0u, 0);
    char word = 0;
    ssize_t got;
    do got = ::read(3, &word, 1);
    while (got < 0 && errno == EINTR);
    if (got == 0) kill_what_is_left(mark, over);
    ::_exit(0);
}

}  // namespace

result<guardian, std::error_code> guardian::start(std::string_view mark) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failure(std::error_code(errno, std::generic_category()));
    unique_fd theirs(ends[0]), ours(ends[1]);
    const pid_t over = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return failure(std::error_code(errno, std::generic_category()));
    if (pid == 0) stand_guard(mark, over, theirs.get());
    return guardian(pid, std::move(ours));
}

guardian::~guardian() {
    if (!line_) return;  // moved from
    const char all_is_well = 1;
    static_cast<void>(!::write(line_.get(), &all_is_well, 1));
    line_.reset();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace gm::kinds::exec
