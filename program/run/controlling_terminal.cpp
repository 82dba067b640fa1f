#include "program/run/controlling_terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace gm::program {

namespace {

// From the background these calls would stop us.
template <class F>
void without_being_stopped(F&& call) {
    sigset_t only, before;
    sigemptyset(&only);
    sigaddset(&only, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &only, &before);
    call();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

std::optional<controlling_terminal> controlling_terminal::open() {
    kinds::exec::unique_fd it(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!it) return std::nullopt;
    return controlling_terminal(std::move(it));
}

bool controlling_terminal::wait_for_foreground(const std::function<bool()>& gives_up) const {
    while (!is_foreground()) {
        // Without a shell of our session as a parent nobody would continue us, and the system does not stop us.
        if (gives_up() || ::getsid(::getppid()) != ::getsid(0)) return false;
        (void)::raise(SIGTTOU);  // of this thread, which must not go on before it has taken effect
    }
    return true;
}

bool controlling_terminal::is_foreground() const noexcept { return ::tcgetpgrp(it_.get()) == ::getpgrp(); }

void controlling_terminal::give_to(pid_t group) const noexcept { (void)::tcsetpgrp(it_.get(), group); }

void controlling_terminal::take_back_from(pid_t group) const noexcept {
    if (::tcgetpgrp(it_.get()) == group) without_being_stopped([&] { (void)::tcsetpgrp(it_.get(), ::getpgrp()); });
}

void controlling_terminal::restore_modes() const noexcept {
    if (has_modes_) without_being_stopped([&] { (void)::tcsetattr(it_.get(), TCSADRAIN, &modes_); });
}

}  // namespace gm::program
