#pragma once
// What a handler throws to say what becomes of its attempt. To return is success. Any other exception, of whatever type, is a
// failure, and the job is tried again by its retry policy.
//
//     throw gm::jobs::give_up("no such customer");     // dead, whatever the policy says
//     throw gm::jobs::try_again(5min, "rate limited");  // a failure, but the time of the next attempt is given
//     throw gm::jobs::snooze(1h);                       // no failure: the attempt does not count
//     throw gm::jobs::cancelled("nobody needs it");     // cancelled
//
// And what a handler is stopped with: the causes of its context. One that lets such a cause through has said the right thing.

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace gm::jobs {

struct give_up : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// It counts as any other failure: the last attempt that the policy allows makes the job dead.
struct try_again : std::runtime_error {
    explicit try_again(std::chrono::microseconds delay, const std::string& why = "to be tried again")
        : std::runtime_error(why), after(delay) {}
    std::chrono::microseconds after;
};

struct snooze : std::runtime_error {
    explicit snooze(std::chrono::microseconds delay) : std::runtime_error("snoozed"), after(delay) {}
    std::chrono::microseconds after;
};

// Also the cause of the context when somebody has asked for it from outside.
struct cancelled : std::runtime_error {
    explicit cancelled(const std::string& why = "cancelled") : std::runtime_error(why) {}
};

// Causes: the worker stops; the claim is somebody else's by now. (Out of time: gm::deadline_exceeded.)
struct stopping : std::runtime_error {
    stopping() : std::runtime_error("the worker is stopping") {}
};
struct lease_lost : std::runtime_error {
    lease_lost() : std::runtime_error("the claim of this job is lost") {}
};

// Why a handler is asked to stop.
enum class stop_reason : std::uint8_t {
    none,
    cancelled,   // an error from here on means cancelled; a success stands
    timed_out,   // an error from here on is a failure; a success stands
    stopping,    // an error from here on gives the job back, and the attempt does not count
    lease_lost,  // whatever comes is dropped: the job is in other hands
};
const char* to_string(stop_reason why) noexcept;

}  // namespace gm::jobs
