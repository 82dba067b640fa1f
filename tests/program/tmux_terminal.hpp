#pragma once
// A terminal to run the program in: tmux's, on a server of its own. The test looks at its screen until it sees what it waits for.

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "program_helpers.hpp"

namespace program_tests {

class tmux_terminal {
public:
    static bool is_there() { return running({"sh", "-c", "command -v tmux"}).wait().status == 0; }

    // `command` is a line for the shell. When it has ended its status stands on the screen: "ended 0".
    tmux_terminal(unsigned columns, unsigned rows, const std::string& command) {
        const std::string script =
            "trap : INT; unset CI NO_COLOR; export LC_ALL=C.UTF-8; " + command + "; echo \"ended $?\"; exec cat";
        const answer made = ask({"-f", "/dev/null", "new-session", "-d", "-x", std::to_string(columns), "-y",
                                 std::to_string(rows), script});
        if (made.status != 0) throw std::runtime_error("tmux does not start: " + made.errors);
    }
    ~tmux_terminal() { close(); }
    tmux_terminal(const tmux_terminal&) = delete;
    tmux_terminal& operator=(const tmux_terminal&) = delete;

    // As if its window were closed.
    void close() const { tmux({"kill-server"}); }
    void resize(unsigned columns, unsigned rows) const {
        tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
    }
    void press(const std::string& key) const { tmux({"send-keys", key}); }

    std::string screen() const { return tmux({"capture-pane", "-p"}); }
    std::string screen_with_colours() const { return tmux({"capture-pane", "-p", "-e"}); }
    // And what has scrolled out of it; lines that were wrapped are whole.
    std::string history() const { return tmux({"capture-pane", "-p", "-J", "-S", "-", "-E", "-"}); }
    bool shows_cursor() const { return tmux({"display-message", "-p", "#{cursor_flag}"}) == "1\n"; }

    // The screen, once it is as wanted. Throws if that does not come.
    std::string wait_for(const std::function<bool(const std::string&)>& wanted) const {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        std::string now = screen();
        while (!wanted(now) && std::chrono::steady_clock::now() < until) now = screen();
        if (!wanted(now)) throw std::runtime_error("what was waited for does not come; the screen is\n" + now);
        return now;
    }
    std::string wait_for(const std::string& text) const {
        return wait_for([&](const std::string& now) { return now.find(text) != std::string::npos; });
    }

private:
    answer ask(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"tmux", "-u", "-S", folder_ / "socket"});
        return running(std::move(arguments)).wait();
    }
    std::string tmux(std::vector<std::string> arguments) const { return ask(std::move(arguments)).output; }

    const scratch folder_;  // of the server's socket, which tmux would leave behind
};

}  // namespace program_tests
