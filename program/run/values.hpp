#pragma once
// Values as they are written on the command line: times, sizes, how many jobs at a time.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

namespace gm::program {

using seconds_f = std::chrono::duration<double>;

// 30, 1.5, 200ms, 45s, 10m, 2h, 1d. Without a unit: seconds.
result<seconds_f, std::string> read_time(std::string_view text);

// 512, 64k, 1M, 1.5G, 2T: powers of 1024.
result<std::uint64_t, std::string> read_size(std::string_view text);

result<double, std::string> read_number(std::string_view text);
result<std::uint64_t, std::string> read_count(std::string_view text);

// A character of the input's grammar: itself, or \n \t \0 \\ \xNN.
result<char, std::string> read_character(std::string_view text);

// How many jobs run at a time.
class slot_count {
public:
    slot_count() = default;  // as many as CPUs

    // 8, 150% (of the CPUs), +2, -2 (more or fewer than CPUs), 0 (no limit but the system's), auto, or a file that holds one of these.
    // What is no count is taken for the name of a file. The error says why it cannot be read.
    static result<slot_count, std::string> parse(std::string_view text);

    unsigned now() const noexcept { return now_; }
    const std::string& file() const noexcept { return file_; }
    // Looks into the file again. What cannot be understood, or read, leaves the count as it is.
    void refresh();

private:
    unsigned now_ = 0;
    std::string file_;
};

}  // namespace gm::program
