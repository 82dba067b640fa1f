#pragma once
// How a process is ended that may not want to: a signal, some patience, a stronger signal. Written as GNU parallel writes
// its --termseq: TERM,5000,KILL is SIGTERM, 5000 ms, SIGKILL.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

namespace gm::kinds::exec {

class kill_ladder {
public:
    struct step {
        int signal;
        std::chrono::milliseconds patience;  // before the next step
    };

    kill_ladder();  // TERM,5000,KILL

    // Signals by name (TERM, SIGTERM) or number, and milliseconds between them. The error says what is wrong.
    static result<kill_ladder, std::string> parse(std::string_view text);

    const std::vector<step>& steps() const noexcept { return steps_; }

private:
    std::vector<step> steps_;
};

// "TERM" for SIGTERM; the number in digits if it has no name.
std::string signal_name(int signal);

}  // namespace gm::kinds::exec
