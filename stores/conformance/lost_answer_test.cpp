// The store has done what it was asked for, and its answer is lost. Whoever asked asks the same again; it is done once.
#include "conformance.hpp"

#include <optional>
#include <utility>

#include <tests/faulty_store.hpp>

namespace gm::test {

namespace {

class wire_in_front final : public lossy_wire {
public:
    explicit wire_in_front(std::unique_ptr<jobs::store> behind)
        : store_(std::move(behind),
                 [this](call what) { return lost_ && *lost_ == what ? (lost_.reset(), fault::after) : fault::none; }) {}
    jobs::store& store() override { return store_; }
    void lose_next(answer to) override { lost_ = to == answer::publish ? call::publish : call::exchange; }

private:
    std::optional<call> lost_;
    faulty_store store_;
};

}  // namespace

std::unique_ptr<lossy_wire> store_harness::open_over_wire() { return std::make_unique<wire_in_front>(open()); }

TEST_P(conformance, insert_that_is_repeated_after_a_lost_answer_is_one_job_where_it_has_a_key) {
    if (lacks(feature::unique)) return;
    for (const unique_for until : {unique_for::started, unique_for::finished, unique_for::window}) {
        const auto wire = harness().open_over_wire();
        new_job one = job();
        one.unique = unique_key{"key", until, 1h};
        wire->lose_next(lossy_wire::answer::publish);
        const auto first = wire->store().sink().publish({&one, 1});
        const auto again = wire->store().sink().publish({&one, 1});
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_EQ(again->at(0).outcome, published::duplicate);
        if (first) {
            EXPECT_EQ(first->at(0).id, again->at(0).id);
        }
        const auto worker = subscribe();
        const std::vector<delivery> got = claim(*worker, 9);
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].id, again->at(0).id);
        EXPECT_EQ(complete(*worker, got[0]), settled::yes);
        if (until != unique_for::window) continue;
        EXPECT_EQ(publish_one(one).outcome, published::duplicate);
    }
}

TEST_P(conformance, end_whose_answer_was_lost_is_settled_once) {
    if (!can_be_asked()) return;
    for (const verdict what : {verdict::completed, verdict::retry, verdict::dead, verdict::cancelled, verdict::returned,
                               verdict::interrupted, verdict::snoozed}) {
        SCOPED_TRACE(static_cast<int>(what));
        const auto wire = harness().open_over_wire();
        const job_id id = publish(job());
        const auto before = queue();
        auto worker = std::move(*wire->store().subscribe({.lease = harness().lease()}));
        const delivery held = claim_one(*worker);
        ASSERT_EQ(held.id, id);
        const settlement end{.which = held.which, .what = what, .error = "error", .at = now() + 1h};
        wire->lose_next(lossy_wire::answer::exchange);
        std::optional<exchanged> told;
        for (int i = 0; i != 1000 && !told; ++i) {
            if (auto done = worker->exchange({&end, 1}, {})) told = *std::move(done);
            if (!told) let_pass(1ms);
        }
        ASSERT_TRUE(told);
        EXPECT_EQ(told->outcomes.at(0), settled::yes);

        const record is = find(id);
        const bool counts = what == verdict::completed || what == verdict::retry || what == verdict::dead;
        EXPECT_EQ(is.attempts, counts ? 1 : 0);
        EXPECT_EQ(is.interruptions, what == verdict::interrupted ? 1 : 0);
        EXPECT_EQ(is.crashes, 0);
        EXPECT_LE(is.errors.size(), 1u);
        EXPECT_EQ(queue().completed, before.completed + (what == verdict::completed ? 1 : 0));
        EXPECT_EQ(queue().failed, before.failed + (what == verdict::retry || what == verdict::dead ? 1 : 0));
        expect_counters_true();
        worker.reset();
        EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), is_over(is.state) ? 0u : 1u);
    }
}

}  // namespace gm::test
