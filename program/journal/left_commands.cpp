#include "program/journal/left_commands.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gristmill/kinds/exec/process_table.hpp>

namespace gm::program {

left_commands::left_commands(const std::vector<running_command>& all) {
    for (const running_command& one : all) {
        kinds::exec::unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, one.pid, 0)));
        // Once the handle is there it stays with one process; the look after it tells whether it is the one that was meant.
        const auto now = kinds::exec::look_at(one.pid);
        if (handle && now && !now->dead && now->started == one.started) living_.push_back({one.pid, std::move(handle)});
    }
}

std::vector<pid_t> left_commands::pids() const {
    std::vector<pid_t> all;
    for (const living& one : living_) all.push_back(one.pid);
    return all;
}

void left_commands::wait() {
    for (const living& one : living_) {
        pollfd ended{one.handle.get(), POLLIN, 0};
        while (::poll(&ended, 1, -1) < 0) {  // only EINTR
        }
    }
    living_.clear();
}

}  // namespace gm::program
