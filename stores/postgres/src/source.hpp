#pragma once
// One incarnation of a worker process. Three connections of its own, because exchange, beat and sweep are three threads, and a beat must
// not stand in a queue; and a fourth once an exchange has much to settle and much to claim, for the server then does both at once.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <gristmill/jobs/store.hpp>

#include "core.hpp"

namespace gm::stores::pg {

class source final : public jobs::source {
public:
    static result<std::unique_ptr<jobs::source>, jobs::store_error> open(std::shared_ptr<core> with,
                                                                         const jobs::subscription& how);
    ~source() override;

    result<jobs::exchanged, jobs::store_error> exchange(std::span<const jobs::settlement> finishes,
                                                        const jobs::demand& wanted) override;
    result<jobs::beaten, jobs::store_error> beat(const jobs::pulse& how) override;
    result<jobs::swept, jobs::store_error> sweep() override;

private:
    using clock = std::chrono::steady_clock;

    source(std::shared_ptr<core> with, const jobs::subscription& how);
    std::optional<fault> sign_on();
    outcome<rows> beat_with(const jobs::pulse& how, line& by);

    // ---- sweep (source_sweep.cpp) ----
    std::optional<fault> do_chores(jobs::swept& done);
    std::optional<fault> rescue(jobs::swept& done);
    std::optional<fault> retire(jobs::swept& done);
    std::optional<fault> tidy();
    std::optional<fault> look_behind();
    std::optional<fault> take_back_strays(jobs::swept& done);
    outcome<rows> sweep_with(std::string_view sql, parameters with);
    template <class Work>
    static std::optional<fault> in_its_turn(clock::time_point& due, clock::duration pause, Work work);

    // ---- exchange (source_exchange.cpp) ----
    outcome<jobs::exchanged> transact(std::span<const jobs::settlement> finishes, const jobs::demand& wanted);
    outcome<jobs::exchanged> ask_for(std::span<const jobs::settlement> finishes, const jobs::demand& wanted);
    static std::vector<int> in_order(const rows& claimed);
    void take(const rows& claimed, const std::vector<int>& order, jobs::exchanged& to);
    outcome<jobs::exchanged> lie_down(const jobs::demand& wanted);
    void add_claim(std::vector<statement>& list, const jobs::demand& wanted, std::span<const jobs::settlement> beside);
    bool goes_apart(std::size_t ends, const jobs::demand& wanted);
    outcome<std::vector<rows>> run_apart(std::span<const statement> ends, std::span<const statement> claim);
    void claim_rest(jobs::exchanged& made, const jobs::demand& wanted);
    void take_turns(jobs::exchanged& to);
    bool may_claim(jobs::claim which);

    // ---- what it holds ----
    struct holding {
        std::int64_t epoch = 0;
        std::int64_t since = 0;  // it did not start before, by the server's clock
        bool suspect = false;
        bool finishing = false;  // its end is on its way: it is not lost if the server no longer knows it
    };
    void mark_finishing(std::span<const jobs::settlement> finishes, bool finishing);
    void forget(const jobs::settlement& end);
    struct claims {
        std::vector<std::int64_t> ids, epochs;
    };
    claims held_claims(bool finishing_too);

    // ---- since when it holds jobs, as its beats tell it ----
    void begins_to_ask();
    void has_asked();
    std::int64_t held_since();
    void hear_the_time(std::int64_t now);

    // ---- how far it has come in its queues ----
    struct places {
        std::vector<std::string> queues;
        std::vector<std::int64_t> okeys;
    };
    std::optional<fault> begin_where_others_are();
    places waters();
    std::optional<statement> notes_waters();  // for those who begin later

    std::shared_ptr<core> core_;
    const jobs::subscription how_;
    const std::string name_;
    std::shared_ptr<bells::entry> bell_;
    std::int64_t me_ = 0;  // the number of this incarnation

    line working_, settling_, beating_, sweeping_;

    // Of the thread that exchanges.
    bool unsure_ = false;             // an answer was lost: there may be claims that we do not know
    bool sleeping_ = false;           // inserts notify us
    std::size_t claimed_ = 0;         // what the last claim brought
    clock::time_point apart_from_{};  // not before: there was no connection to be had for it
    int busy_rounds_ = 0;
    std::size_t turn_ = 0;

    // Of the thread that sweeps: not before.
    clock::time_point retires_{}, tidies_{}, looks_behind_{}, looks_for_strays_{};

    std::mutex mutex_;  // all below
    std::unordered_map<std::int64_t, holding> held_;
    std::map<std::string, std::int64_t> waters_;               // what came in order, and was claimed, goes up to here
    std::optional<clock::time_point> good_since_, last_good_;  // beats
    // As it was heard last, what is claimed from now on starts later; and as it was when the first exchange began whose claims are
    // not all known.
    std::int64_t server_time_ = 0;
    std::optional<std::int64_t> asking_since_;
};

}  // namespace gm::stores::pg
