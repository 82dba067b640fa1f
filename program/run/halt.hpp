#pragma once
// --halt: when a run stops before its end, and what it exits with. In GNU parallel's words: now,fail=1  soon,success=3  now,done=50%.

#include <cstdint>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

namespace gm::program {

struct halt_policy {
    enum class moment : unsigned char { never, soon, now };  // soon: what runs is finished; now: it is ended
    enum class reason : unsigned char { fail, success, done };

    moment when = moment::never;
    reason why = reason::fail;
    double count = 1;
    bool percent = false;

    // Also 0 (never), 1 (soon,fail=1) and 2 (now,fail=1), as older scripts write it.
    static result<halt_policy, std::string> parse(std::string_view text);
};

// Counts jobs as they end.
class halt_watch {
public:
    explicit halt_watch(const halt_policy& policy) : policy_(policy) {}

    // True: now it is reached. `total` is the number of all jobs, 0 while it is not known; a percentage waits for it.
    bool count(bool success, std::uint64_t total);

    std::uint64_t failed() const noexcept { return failed_; }
    std::uint64_t done() const noexcept { return failed_ + succeeded_; }
    bool reached() const noexcept { return reached_; }

    // As GNU parallel exits: with 0 if all went well, with the number of failed jobs up to 100, with 101 for more. When the halt
    // was reached by one job: with its status; by a percentage of failures: with that percentage.
    int exit_status(int status_of_last, std::uint64_t total) const;

private:
    const halt_policy policy_;
    std::uint64_t succeeded_ = 0;
    std::uint64_t failed_ = 0;
    bool reached_ = false;
};

}  // namespace gm::program
