#pragma once
// One run of a runner: the store's source, the crew, the slots of what is in hand. Its threads:
//
//     the exchanger   run()'s caller. Owns the slots' coming and going, settles and claims, decides on time and stop.
//     the beat        renews the lease, tells slots to stop, sizes the crew
//     the house       sweeps, and fires cron entries
//     the crew        pools of the core. A slot whose turn is over comes back through `inbox`, which is bounded.
//
// Nothing is shared by lock but the slots (each has its own) and their list; the numbers of the snapshot are written by the
// exchanger alone. Lock order: the list of slots, then a slot.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/jobs/detail/attempt_core.hpp>
#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner_options.hpp>
#include <gristmill/jobs/schedule.hpp>
#include <gristmill/jobs/store.hpp>
#include <gristmill/pool.hpp>

#include "env_secrets.hpp"
#include "put_off_times.hpp"
#include "runner_measure.hpp"
#include "suspect_turns.hpp"

namespace gm::jobs::detail {

// How the exchanger is woken. Shared with the store's bell, which may ring on while the run is already gone.
struct wakeup {
    explicit wakeup(std::size_t room) : inbox(room) {}

    gm::channel<attempt_core*> inbox;  // null: look around
    std::atomic<bool> rung{false};     // there may be something to claim
    std::atomic<bool> poked{false};    // a null is on its way

    void poke() {
        // A full inbox wakes the exchanger as well.
        if (!poked.exchange(true)) static_cast<void>(inbox.try_send(nullptr));
    }
    void ring() {
        if (!rung.exchange(true)) poke();
    }
};

class runner_core final : public attempt_host {
public:
    runner_core(jobs::store& store, const registry& kinds, const runner_options& options, unsigned workers,
                bool paused);
    runner_core(const runner_core&) = delete;
    runner_core& operator=(const runner_core&) = delete;

    runner_report run(const context& ctx);
    // After run(): handlers are still out, so that this must live on.
    bool left_behind() const noexcept { return bodies_ != 0; }

    // From any thread.
    void hurry() noexcept;
    void resize(unsigned workers);
    void pause(bool paused);
    runner_snapshot snapshot();

    jobs::store& store() noexcept override { return store_; }
    const registry& kinds() noexcept override { return kinds_; }
    std::string masked(std::string_view text) const override { return secrets_.masked(text); }
    void has_notes(bool urgent) noexcept override;

private:
    enum class stop_step : std::uint8_t { no, grace, asked };
    struct ended {  // of a settlement: for the report
        job_id id;
        const kind* what;  // null: it was put off
        bool abandoned;
    };
    static constexpr time_point never = time_point::max();

    // runner_core.cpp: the run, from its start to its end
    bool subscribe(const context& ctx, runner_report& report);
    void loop(const context& ctx);
    void take_messages(const context& ctx);
    time_point wakes_at(time_point now);
    void take_back(attempt_core& slot);
    void free_slot(attempt_core& slot);
    void watch_stop(time_point now, bool asked);
    void withdraw_unstarted(time_point claimed_until);
    void abandon_overdue(time_point now);
    void abandoned_coroutines(int more);
    bool at_end(time_point now) const;
    void linger() const;
    runner_report report(runner_report&& begun);
    std::vector<attempt_core*> all_slots();

    // runner_exchange.cpp: settling and claiming
    bool exchange_is_due(time_point now);
    bool gathers(time_point now) const noexcept;
    void exchange(time_point now);
    std::size_t holding() const noexcept { return open_functions_ + open_coroutines_ + finishes_.size(); }
    demand wanted(time_point now);
    std::size_t idle_of_both(std::size_t free_threads, std::size_t free_coroutines) const;
    bool write_notes(bool all);
    void settle(settlement&& end, const attempt_core& slot, bool abandoned);
    void take_outcomes(const std::vector<settled>& outcomes);
    void count(const settlement& end, const ended& of);
    void isolate_invalid();
    void claimed(exchanged&& got, const demand& asked, time_point now);
    void watch_idleness(bool idle, time_point now);
    bool others_may_bring_more();
    void admit(delivery&& job, time_point now);
    void put_off(delivery&& job, time_point now);
    bool only_others_are_left();
    void trouble(std::string_view doing, const store_error& why, patience& pause, time_point now);
    void works_again(std::string_view doing, patience& pause);

    // runner_crew.cpp: the handlers
    void post(attempt_core& slot);
    void run_function(attempt_core& slot) noexcept;
    task<> run_coroutine(attempt_core& slot);
    bool begin(attempt_core& slot, int lane);
    void put_secrets(attempt_core& slot) const;
    void end(attempt_core& slot, std::exception_ptr error) noexcept;
    void judge(attempt_core& slot, const std::exception_ptr& error);
    void judge_failure(settlement& end, const attempt_core& slot, std::string why,
                       std::optional<std::chrono::microseconds> delay = {});
    attempt_event event_of(const attempt_core& slot) const noexcept;
    std::chrono::nanoseconds timeout_of(const attempt_core& slot) const noexcept;
    wall_time wall_now() const noexcept;
    void read_wall_clock();

    // runner_beat.cpp: the other two threads
    void beat_until(const context& quit);
    pulse how_it_goes();
    void tell_slots(const std::vector<token>& which, stop_reason why);
    void sweep_until(const context& quit);
    std::chrono::nanoseconds fire_entries(patience& pause);

    jobs::store& store_;
    const registry& kinds_;
    const runner_options options_;
    runner_observer* const observer_;
    const env_secrets secrets_;

    std::shared_ptr<wakeup> wake_;
    std::atomic<unsigned> workers_;
    const unsigned coroutines_;
    std::atomic<bool> paused_, hurried_{false};
    std::atomic<bool> notes_{false}, urgent_notes_{false};
    std::atomic<time_point> busy_since_{never};          // when the exchanger last had something to do; never: it waits
    std::atomic<time_point> lease_until_{time_point{}};  // by the last beat that the store has answered
    std::atomic<std::int64_t> wall_offset_{0};           // of the store's clock to gm::now(), in microseconds
    std::atomic<run_state> state_{run_state::running};

    std::vector<broken_entry> broken_;  // cron entries that somebody was told about; the house's

    std::mutex slots_guard_;  // protects the list, not what is in it
    std::deque<attempt_core> slots_;

    // The exchanger's.
    std::vector<attempt_core*> free_, messages_;
    std::size_t open_functions_ = 0, open_coroutines_ = 0;  // claims whose handlers may still settle them
    std::size_t bodies_ = 0;                                // slots that the crew has not given back
    std::size_t abandoned_bodies_ = 0;                      // of those, of claims that are settled
    unsigned abandoned_coroutines_ = 0;                     // of these, coroutines
    std::vector<settlement> finishes_;
    std::vector<ended> ended_;          // beside them
    std::vector<job_note> late_notes_;  // of attempts that have ended
    pace pace_;
    patience exchange_pause_;
    suspect_turns turns_;
    put_off_times later_;
    bool more_ = true;  // the last claim brought all that was asked for
    time_point next_look_{}, gather_until_{};
    time_point next_return_ = never, next_abandon_ = never, notes_due_ = never;
    stop_step stop_ = stop_step::no;
    time_point stop_limit_ = never;
    bool alone_ = false;      // when it was last asked, nobody else ran anything that could bring more
    bool idle_seen_ = false;  // and then there was nothing to claim, now or later
    int doubtful_looks_ = 0;  // in a row: there was nothing, but the bell rang meanwhile
    std::optional<store_error> fatal_;

    // The exchanger writes, snapshots read.
    struct {
        gm::detail::own_counter started, completed, retried, dead, cancelled, snoozed, put_off, returned, interrupted,
            lost, abandoned;
    } counts_;
    gm::detail::own_histogram waited_, ran_;
    std::atomic<std::size_t> unsettled_{0};
    std::atomic<double> per_second_{0};
    std::mutex words_guard_;
    struct {
        std::string_view doing;  // empty: the store answers
        std::string words;
    } trouble_;

    std::unique_ptr<source> source_;  // gives back what it holds: after the crew, which is joined first
    gm::pool crew_;
    gm::pool coroutine_crew_;
};

}  // namespace gm::jobs::detail
