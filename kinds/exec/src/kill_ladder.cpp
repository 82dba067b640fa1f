#include <gristmill/kinds/exec/kill_ladder.hpp>

#include <signal.h>

#include <charconv>
#include <cstring>

namespace gm::kinds::exec {

namespace {

bool read_number(std::string_view text, int& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size() && to >= 0;
}

// 0 if there is no such signal.
int signal_called(std::string_view name) {
    int number = 0;
    if (read_number(name, number)) return number < NSIG ? number : 0;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (int signal = 1; signal < NSIG; ++signal) {
        const char* const known = ::sigabbrev_np(signal);
        if (known && name == known) return signal;
    }
    return 0;
}

}  // namespace

kill_ladder::kill_ladder() : steps_{{SIGTERM, std::chrono::seconds(5)}, {SIGKILL, {}}} {}

result<kill_ladder, std::string> kill_ladder::parse(std::string_view text) {
    kill_ladder made;
    made.steps_.clear();
    bool signal_next = true;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t comma = std::min(text.find(',', begin), text.size());
        const std::string_view part = text.substr(begin, comma - begin);
        begin = comma + 1;
        if (signal_next) {
            const int signal = signal_called(part);
            if (signal == 0) return failure("there is no signal '" + std::string(part) + "'");
            made.steps_.push_back({signal, {}});
        } else {
            int milliseconds = 0;
            if (!read_number(part, milliseconds))
                return failure("'" + std::string(part) + "' is no number of milliseconds");
            made.steps_.back().patience = std::chrono::milliseconds(milliseconds);
        }
        signal_next = !signal_next;
    }
    return made;
}

std::string signal_name(int signal) {
    const char* const known = ::sigabbrev_np(signal);
    return known ? known : std::to_string(signal);
}

}  // namespace gm::kinds::exec
