#pragma once
// Runs a scenario under many seeds. In each, the strands of the scenario may be preempted at every lock, atomic access and
// park of the library: by a random walk, or by an order of priorities that changes at a few random points. A scenario
// has failed when a check of its own says so, when it deadlocks (that is what a lost wake-up looks like) or when it never ends.
//
//   GRISTMILL_SCHEDULES=N        how many seeds a scenario runs under
//   GRISTMILL_SCHEDULE_SEED=S    this one only, as the message of a failure says

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/detail/virtual_engine.hpp>

namespace schedule {

// What a scenario's body runs in: it is the root strand.
class arena {
public:
    explicit arena(std::uint64_t seed) noexcept : seed_(seed) {}
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;

    // A strand that may block. Its number.
    std::size_t go(std::string name, std::function<void()> body);
    void join() { strands_.clear(); }  // all of them

    bool asleep(std::size_t strand) const noexcept { return gm::detail::virtual_engine::asleep(*strands_[strand]); }

    // A number below `below`, drawn from the seed: for variants of a scenario.
    std::uint64_t pick(std::uint64_t below) noexcept { return gm::detail::current_engine->random() % below; }

    void check(bool holds, const char* what) {
        if (!holds && failure_.empty()) failure_ = what;
    }
    template <class A, class B>
    void check_equal(const A& a, const B& b, const char* what) {
        if (a == b || !failure_.empty()) return;
        failure_ = std::string(what) + ": " + std::to_string(a) + " and " + std::to_string(b);
    }
    const std::string& failure() const noexcept { return failure_; }
    std::uint64_t seed() const noexcept { return seed_; }

private:
    std::uint64_t seed_;
    std::vector<std::unique_ptr<gm::detail::engine::thread_handle>> strands_;
    std::string failure_;
};

using scenario = std::function<void(arena&)>;

struct finding {
    std::uint64_t schedules = 0;  // explored
    std::uint64_t courses = 0;    // different ones among them
    std::uint64_t steps = 0;
    std::uint64_t seed = 0;  // of the failure
    std::string failure;     // empty: none
};

struct effort {
    std::uint64_t schedules = 20'000;
    unsigned carriers = 3;      // for each scheduler of the scenario
    bool hasty_clock = false;   // deadlines may come while others could go on
    bool real_workers = false;  // schedulers have their own workers, which sleep and steal as in the real world
};

// Stops at the first failure.
finding explore(const scenario& body, effort how_much = {});

// The same, as an expectation that there is none.
void expect_sound(const scenario& body, effort how_much = {});

// That exploration finds what was planted.
void expect_found(const scenario& body, const char* failure, effort how_much = {});

}  // namespace schedule
