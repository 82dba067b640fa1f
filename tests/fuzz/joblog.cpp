// Whatever the bytes are: read, or refused; and what was read is written and read back as the same.
#include <cstdlib>

#include "program/run/joblog.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto log = gm::program::read_joblog(text);
    if (!log) return 0;
    for (const auto& entry : *log) {
        const std::string line = gm::program::to_line(entry);
        const auto back = gm::program::read_joblog_line(std::string_view(line).substr(0, line.size() - 1));
        if (!back || back->number != entry.number || back->exit_code != entry.exit_code ||
            back->command != entry.command)
            std::abort();
    }
    return 0;
}
