#pragma once
// What the conformance suite has to know of a store in order to run on it. Each store's tests define one and
// instantiate the suite with it:
//
//     class sqlite_harness final : public gm::test::store_harness { ... };
//     GRISTMILL_CONFORMANCE(sqlite, sqlite_harness);

#include <chrono>
#include <cstdint>
#include <memory>

#include <gristmill/jobs/ledger.hpp>

namespace gm::test {

// A way to a store on which an answer can be lost after what was asked for is done. What its user sees then is the store's: an error,
// or nothing, because it has asked again by itself.
class lossy_wire {
public:
    enum class answer : std::uint8_t { publish, exchange };
    virtual ~lossy_wire() = default;
    virtual jobs::store& store() = 0;
    virtual void lose_next(answer to) = 0;
};

// One for each test; made with a store that is empty.
class store_harness {
public:
    virtual ~store_harness() = default;

    // Opens the store, or the same one once more: what one opening stores the other sees.
    virtual std::unique_ptr<jobs::store> open() = 0;
    // The same with other bounds, before anything is in it.
    virtual std::unique_ptr<jobs::store> open(const jobs::size_limits& limits) = 0;

    // The same store once more, over such a wire; unless it has one of its own, the wire is in front of it.
    virtual std::unique_ptr<lossy_wire> open_over_wire();

    // Time passes, for the store too: at least this long.
    virtual void let_pass(std::chrono::microseconds time) = 0;
    // Somebody sets the clock on the wall, by so much forward or back. False: there is none here that could be set.
    virtual bool set_clock(std::chrono::microseconds) { return false; }
    // Whether only a lease that has passed tells that a worker is dead. Not where the end of its process is seen at once:
    // there nobody can come back after his lease.
    virtual bool leases_alone_decide() const { return true; }
    // A lease that a test can wait for several times. Where time is real, long enough for a busy machine.
    virtual std::chrono::microseconds lease() const = 0;

    // Whether an end that is presented again long after its claim is told what it was told then. A store may have forgotten, and
    // says either; nothing happens in any case.
    virtual bool remembers_old_ends() const { return true; }

    // Its worker's process dies, as far as the store can see: nothing is given back, nobody signs off.
    virtual void crash(std::unique_ptr<jobs::source> source) = 0;

    // How many jobs the tests that count on quantity use, of what a store in memory would be given.
    virtual bool time_is_virtual() const { return false; }  // a test may let hours pass
    virtual std::size_t scaled(std::size_t jobs) const { return jobs; }
    virtual std::size_t random_steps() const { return 4000; }  // each is several round trips to the store
};

}  // namespace gm::test
