#pragma once
// -k: output in the order of the input, whatever order the jobs end in. The job whose turn it is passes through; what others have written
// is held, in memory up to a bound and then in the spill file.

#include <cstdint>
#include <map>
#include <mutex>

#include "program/run/printer.hpp"

namespace gm::program {

// Thread safety: any thread. Numbers begin with 1, and each of them finishes once.
class output_order {
public:
    output_order(printer& to, kinds::exec::spill_file& spill) : to_(to), spill_(spill) {}

    // Lines of a job that still runs.
    [[nodiscard]] std::error_code lines(std::uint64_t number, stream which, std::string&& text);
    // All that a job has written, or what its lines() left. It has finished.
    [[nodiscard]] std::error_code finish(std::uint64_t number, job_output&& whole);
    // No more will come: what waits for a job that never finished is printed, too.
    void flush();

    // Jobs that have finished and wait for their turn.
    std::size_t held() const;

private:
    struct entry {
        job_output what;
        bool finished = false;
    };
    entry& entry_of(std::uint64_t number);
    void advance_locked();

    printer& to_;
    kinds::exec::spill_file& spill_;
    mutable std::mutex lock_;  // protects the rest
    std::map<std::uint64_t, entry> held_;
    std::uint64_t turn_ = 1;
    std::size_t in_memory_ = 0;
};

}  // namespace gm::program
