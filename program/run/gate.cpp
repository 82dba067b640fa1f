#include "program/run/gate.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace gm::program {

namespace {

using namespace std::chrono_literals;

constexpr auto read_every = 1s;

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
    std::size_t at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    at = text.find_first_not_of(' ', at + name.size());
    if (at == std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::string read(const char* file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::optional<std::uint64_t> wanting_cpu(std::string_view proc_stat) {
    const auto running = number_after(proc_stat, "\nprocs_running"),
               blocked = number_after(proc_stat, "\nprocs_blocked");
    if (!running || !blocked) return std::nullopt;
    const std::uint64_t all = *running + *blocked;
    return all > 0 ? all - 1 : 0;  // less the one that reads it
}

std::optional<std::uint64_t> available_memory(std::string_view proc_meminfo) {
    const auto kilobytes = number_after(proc_meminfo, "\nMemAvailable:");
    return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

bool gate::is_machine_busy() {
    if (load_)
        if (const auto now = wanting_cpu(read("/proc/stat")); now && static_cast<double>(*now) > *load_) return true;
    if (free_memory_)
        if (const auto now = available_memory(read("/proc/meminfo")); now && *now < *free_memory_) return true;
    return false;
}

std::optional<gate::clock::time_point> gate::closed_until(clock::time_point now) {
    if (now < next_start_) return next_start_;
    if (!load_ && !free_memory_) return std::nullopt;
    if (now >= next_look_) {
        busy_ = is_machine_busy();
        next_look_ = now + read_every;
    }
    return busy_ ? std::optional(next_look_) : std::nullopt;
}

void gate::started(clock::time_point now) { next_start_ = now + std::chrono::duration_cast<clock::duration>(delay_); }

}  // namespace gm::program
