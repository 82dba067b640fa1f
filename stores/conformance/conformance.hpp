#pragma once
// The fixture of the suite, and the words that its tests are written in.
//
// Where time is real, a test that says "not yet" uses hours, and one that says "now" lets the time pass: nothing here
// depends on how fast the machine is.

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "harness.hpp"

namespace gm::test {

using namespace jobs;
using namespace std::chrono_literals;
using std::chrono::microseconds;

using make_harness = std::unique_ptr<store_harness> (*)();

class conformance : public ::testing::TestWithParam<make_harness> {
protected:
    void SetUp() override;

    store_harness& harness() noexcept { return *harness_; }
    jobs::store& store() noexcept { return *store_; }
    jobs::ledger& ledger() noexcept { return *store_->ledger(); }
    bool can(feature which) { return store_->can(which).how != support::no; }
    // Whether the store has no such feature. Then it is asked for it all the same, and has to refuse.
    bool lacks(feature which);
    bool can_be_asked() { return store_->ledger() != nullptr; }
    void let_pass(microseconds time) { harness_->let_pass(time); }
    // A time that passes while one waits for it.
    microseconds moment() const { return harness_->lease() / 8; }
    wall_time now() { return store_->now(); }
    // The store from here on is another opening with these bounds.
    void reopen(const size_limits& limits);

    // ---- in ----
    job_id publish(const new_job& job);  // which has to be accepted
    std::vector<job_id> publish(const std::vector<new_job>& jobs);
    published publish_one(const new_job& job);  // whatever comes of it

    // ---- out ----
    std::unique_ptr<source> subscribe(std::vector<std::string> queues = {"default"}, std::function<void()> bell = {});
    void crash(std::unique_ptr<source> source) { harness_->crash(std::move(source)); }
    // As many as there are, up to so many, for idle workers.
    static std::vector<delivery> claim(source& by, std::size_t most = 1, jobs::claim which = jobs::claim::ordinary);
    delivery claim_one(source& by, jobs::claim which = jobs::claim::ordinary);  // there has to be one
    static settled settle(source& by, const settlement& end);
    static exchanged exchange(source& by, std::span<const settlement> ends, const demand& wanted);
    static settled complete(source& by, const delivery& job) { return settle(by, {.which = job.which}); }
    static std::vector<token> beat_lost(source& by) { return beat(by).lost; }
    static beaten beat(source& by);
    // Beats, sweeps and lets time pass until it has rescued something. 0: it did not, for a long time.
    std::size_t rescue_by(source& by);
    // Sweeps and lets time pass until it has removed something. 0: it did not, for a long time.
    std::size_t remove_by(source& by);
    // Its worker dies under this job, and another one finds out.
    void die_under(std::unique_ptr<source> victim, source& witness);

    // ---- asked ----
    record find(job_id id);  // it has to be there
    jobs::state state_of(job_id id) { return find(id).state; }
    queue_report queue(const std::string& name = "default");  // all 0 if it is not there
    // The counters of each queue are what counting gives.
    void expect_counters_true();

private:
    bool refuses(feature which);

    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::unique_ptr<store_harness> harness_;
    std::unique_ptr<jobs::store> store_;
};

inline new_job job(std::string kind = "kind") { return {.kind = std::move(kind)}; }
inline settlement failed(const delivery& job, std::string error, wall_time again_at = {}) {
    return {.which = job.which, .what = verdict::retry, .error = std::move(error), .at = again_at};
}
inline settlement died(const delivery& job, std::string error) {
    return {.which = job.which, .what = verdict::dead, .error = std::move(error)};
}
inline settlement returned(const delivery& job) { return {.which = job.which, .what = verdict::returned}; }
inline settlement completed(const delivery& job) { return {.which = job.which}; }
std::vector<job_id> ids(const std::vector<delivery>& of);

// What the store says it cannot do it refuses.
template <class T>
::testing::AssertionResult is_unsupported(const result<T, store_error>& outcome) {
    if (outcome) return ::testing::AssertionFailure() << "it was done, and the store says that it cannot do that";
    if (outcome.error().fault == store_fault::unsupported) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "refused, but as " << name_of(outcome.error().fault) << ": "
                                         << outcome.error().what;
}

template <class T>
::testing::AssertionResult is_fault(const result<T, store_error>& outcome, store_fault fault) {
    if (outcome) return ::testing::AssertionFailure() << "it was done";
    if (outcome.error().fault == fault && !outcome.error().what.empty()) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << name_of(outcome.error().fault) << ": " << outcome.error().what;
}

}  // namespace gm::test

namespace gm::jobs {

inline void PrintTo(state s, std::ostream* to) { *to << name_of(s); }
inline void PrintTo(job_id id, std::ostream* to) { *to << "job " << id.number; }
inline void PrintTo(settled s, std::ostream* to) {
    *to << (s == settled::yes ? "settled" : s == settled::refused ? "refused" : "unknown");
}

}  // namespace gm::jobs

// The whole suite on one store.
#define GRISTMILL_CONFORMANCE(name, harness)                                                                    \
    namespace gm::test {                                                                                        \
    INSTANTIATE_TEST_SUITE_P(name, conformance,                                                                 \
                             ::testing::Values(make_harness([]() -> std::unique_ptr<store_harness> {            \
                                 return std::make_unique<harness>();                                            \
                             })),                                                                               \
                             [](const ::testing::TestParamInfo<make_harness>&) { return std::string(#name); }); \
    }                                                                                                           \
    static_assert(true, "so that a semicolon may follow")
