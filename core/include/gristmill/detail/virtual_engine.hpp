#pragma once
// The engine of a virtual world. Its strands are bodies that may block (each on a stack of its own), carriers that run
// ready coroutines one step at a time, and the clock. Exactly one strand runs; when it cannot go on, the engine draws the
// next among all that could, by the seed. When none can, the clock jumps to the next moment at which one can.
//
// Nothing here is locked: only the strand that has the baton gets here. The one exception are the timers, which have a
// lock for the sake of the instrumented build: there, a timer may be preempted while it fires.
//
// The instrumented build gives a scheduler several carriers, which may be preempted at each schedule point, and which
// steal from each other's queues as the real workers do. Or it leaves the scheduler its own workers, so that how they look
// for work, sleep and wake is explored, too.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/timer.hpp>
#include <gristmill/detail/virtual_stack.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm::detail {

enum class virtual_strategy : std::uint8_t {
    walk,        // whoever could go on is as likely as anyone else
    priorities,  // the first in a random order, which changes at a few random points (Burckhardt et al., ASPLOS 2010)
};

struct virtual_world {
    std::uint64_t seed = 1;
    std::chrono::nanoseconds horizon = std::chrono::nanoseconds::max();
    std::uint64_t most_steps = 0;  // 0: no limit
    // For exploration; the defaults are those of a user's world.
    virtual_switch* stacks = nullptr;  // null: threads
    virtual_strategy strategy = virtual_strategy::walk;
    unsigned carriers = 1;          // of each scheduler
    bool real_workers = false;      // a scheduler's own workers, each a strand, in place of carriers
    unsigned preempt_one_in = 1;    // schedule points, for `walk`
    unsigned changes = 3;           // of the order, for `priorities`
    unsigned expected_steps = 200;  // among which they fall
    bool hasty_clock = false;       // time may pass while others could go on, as if they were slow
};

struct virtual_waiting {
    std::string who;
    std::string what;
};

struct virtual_outcome {
    enum class end : std::uint8_t { done, horizon, deadlock, steps } ended = end::done;
    std::uint64_t steps = 0;
    std::chrono::nanoseconds passed{0};
    std::vector<virtual_waiting> waiting;
    std::size_t abandoned = 0;
    std::uint64_t course = 0;  // a hash of who ran when
};

class virtual_engine final : public engine {
public:
    explicit virtual_engine(const virtual_world& world);
    virtual_engine(const virtual_engine&) = delete;
    virtual_engine& operator=(const virtual_engine&) = delete;
    ~virtual_engine();

    // Something of this world outlives it (a strand that waits for ever, a timer): the engine must too.
    bool haunted() const noexcept;

    // Runs `root` and whatever it starts until `root` returns. requires: called from outside of every world, once.
    // Between the end that `root` waits for with await_end() and its return no time passes.
    virtual_outcome run(const std::function<void()>& root);

    // For a root that only waits for others: true when release_root() was called, false when the world came to an end
    // before that.
    bool await_end() noexcept;
    void release_root() noexcept;

    // Whether a thread of start_thread() is asleep: for tests.
    static bool asleep(const thread_handle& thread) noexcept;

    time_point now() noexcept override { return now_; }
    bool park(parker& self, const time_point* deadline) noexcept override;
    void unpark(parker& sleeper) noexcept override;
    bool runs_coroutines() const noexcept override { return !world_.real_workers; }
    std::uint64_t ticks() noexcept override { return outcome_.steps; }
    void ready(task_header& task) noexcept override;
    void stop(scheduler_core& home) noexcept override;
    void waits(task_header* task, const char* what, const void* on, std::source_location where) noexcept override;
    void add_timer(timer& entry, time_point due) noexcept override;
    void remove_timer(timer& entry) noexcept override;
    std::unique_ptr<thread_handle> start_thread(std::string name, std::function<void()> body) override;
    std::uint64_t random() noexcept override;
    void point() noexcept override;
    void yield() noexcept override;
    void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept override;
    void wake_one(const std::atomic<std::uint32_t>& word) noexcept override;

    static constexpr time_point start_of_time{std::chrono::hours(24 * 365)};

private:
    using end = virtual_outcome::end;
    enum class state : std::uint8_t { runnable, running, parked, at_a_lock, joining, idle, finished };
    struct note {
        const char* what = nullptr;
        const void* on = nullptr;
        std::source_location where;
        std::uint64_t order = 0;
    };
    struct strand;
    struct crew;
    struct handle;
    struct alarm : timer {
        strand* who = nullptr;
    };

    static void enter(void* argument) noexcept;
    strand& add_strand(std::string name, std::function<void()> body);
    bool inside() const noexcept;
    void close() noexcept;

    void make_runnable(strand& who) noexcept;
    void give_up(state how) noexcept;
    void switch_to(strand& next) noexcept;
    strand& choose(strand* last_resort) noexcept;
    strand* choose_walking() noexcept;
    strand* choose_first() noexcept;
    strand* take(strand& runnable) noexcept;
    bool can_work(crew& where) noexcept;
    std::size_t work_in(const crew& where) const noexcept;
    strand* put_to_work(crew& where, strand& carrier, std::size_t which) noexcept;
    time_point next_moment() const noexcept;
    bool advance() noexcept;
    void finish(end how) noexcept;
    void report(end how);
    std::string describe(const note& wait, const strand* who);
    std::string label_of(const void* object);

    void run_clock() noexcept;
    void fire_due_timers() noexcept;
    void act_for_clock() noexcept;
    void run_carrier(crew& mine) noexcept;
    void drain(crew& mine, worker& facade) noexcept;
    crew& crew_of(scheduler_core& home);

    std::uint64_t draw(std::uint64_t below) noexcept;
    void maybe_reorder() noexcept;

    const virtual_world world_;
    virtual_switch& stacks_;
    std::uint64_t dice_state_;
    time_point now_ = start_of_time;
    time_point horizon_ = time_point::max();
    std::vector<std::shared_ptr<strand>> strands_;
    std::vector<strand*> runnable_;
    std::vector<std::unique_ptr<crew>> crews_;
    std::unordered_map<const void*, strand*> parked_;  // by parker, and by a lock's word
    std::unordered_map<const task_header*, note> notes_;
    std::unordered_map<const void*, std::size_t> labels_;
    std::uint64_t notes_taken_ = 0;
    std::uint64_t strands_made_ = 0;
    std::unique_ptr<strand> home_;  // the caller of run()
    strand* current_ = nullptr;
    strand* root_ = nullptr;
    strand* clock_ = nullptr;
    bool root_waits_ = false;  // in await_end()
    bool root_released_ = false;
    bool ending_ = false;  // the root is over, or the world is: time stands still
    bool ended_ = false;   // nothing runs any more
    virtual_outcome outcome_;
    std::exception_ptr failure_;
    std::uint64_t fruitless_ = 0;         // turns in a row of a loop that waits for somebody outside
    std::vector<std::uint64_t> changes_;  // steps at which the order changes, the next one last
    std::uint64_t lowest_ = std::uint64_t{1} << 30;

    timer_heap beds_;  // deadlines of parked strands
    lock timers_guard_;
    timer_heap timers_;  // guarded by it
};

}  // namespace gm::detail
