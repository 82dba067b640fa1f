#pragma once
// The terminal that controls us, for --tty: what runs in its foreground may read from it and is who Ctrl-C and Ctrl-Z mean.

#include <sys/types.h>
#include <termios.h>

#include <functional>
#include <optional>
#include <utility>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::program {

// Thread safety: none.
class controlling_terminal {
public:
    // None: no terminal controls this process.
    static std::optional<controlling_terminal> open();

    int descriptor() const noexcept { return it_.get(); }

    // Waits until a shell has put us into its foreground: stopped, as any job that wants the terminal from the background. Each time that it
    // is continued it asks whether it is to give up. False: it was, or there is no shell.
    // requires: SIGTTOU is neither blocked nor ignored.
    bool wait_for_foreground(const std::function<bool()>& gives_up) const;
    bool is_foreground() const noexcept;

    // requires: is_foreground().
    void give_to(pid_t group) const noexcept;
    // If that group has it. It may be gone already.
    void take_back_from(pid_t group) const noexcept;
    // The modes as they were when it was opened: a command that was killed may have left its own.
    void restore_modes() const noexcept;

private:
    explicit controlling_terminal(kinds::exec::unique_fd it) noexcept : it_(std::move(it)) {
        has_modes_ = ::tcgetattr(it_.get(), &modes_) == 0;
    }

    kinds::exec::unique_fd it_;
    termios modes_{};
    bool has_modes_ = false;
};

}  // namespace gm::program
