#pragma once
// What systemd is told (sd_notify(3), spoken without its library): READY, STATUS, STOPPING, and that the watchdog may stay quiet.
// Without systemd all of it does nothing.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::program {

class notifier {
public:
    // By $NOTIFY_SOCKET and $WATCHDOG_USEC, which are taken out of the environment: our children are not the service.
    // requires: this process has no other thread yet.
    notifier();

    // Lines NAME=VALUE. What cannot be delivered is dropped. Thread safety: any thread.
    void send(std::string_view lines) const noexcept;

    // How often WATCHDOG=1 is to be sent: half of what systemd asks for.
    std::optional<std::chrono::microseconds> watchdog_every() const noexcept { return every_; }

private:
    kinds::exec::unique_fd socket_;
    std::string address_;
    std::optional<std::chrono::microseconds> every_;
};

}  // namespace gm::program
