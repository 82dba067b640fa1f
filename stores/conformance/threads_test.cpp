// Many at once: every job is finished once, nothing is lost, and what is counted is true afterwards.
#include "conformance.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <support/seed.hpp>

namespace gm::test {

namespace {

// Who finished what, as the workers were told.
class audit {
public:
    void accepted(job_id which) {
        const std::lock_guard hold(guard_);
        ++accepted_[which];
    }
    std::size_t finished() {
        const std::lock_guard hold(guard_);
        return accepted_.size();
    }
    void expect_each_once(const std::vector<job_id>& all) {
        EXPECT_EQ(accepted_.size(), all.size());
        for (job_id each : all) EXPECT_EQ(accepted_[each], 1) << each.number;
    }

private:
    std::mutex guard_;
    std::map<job_id, int> accepted_;
};

}  // namespace

TEST_P(conformance, every_job_of_many_publishers_and_workers_is_finished_once) {
    if (!can_be_asked()) return;  // without ids nothing tells one from another
    const std::size_t each_publisher = harness().scaled(2000);
    constexpr std::size_t publishers = 3, workers = 3;
    const std::uint64_t first_seed = seed();
    audit book;
    std::mutex guard;
    std::vector<job_id> all;
    {
        std::vector<std::jthread> crew;
        for (std::size_t p = 0; p != publishers; ++p)
            crew.emplace_back([&] {
                for (std::size_t done = 0; done < each_publisher; done += 50) {
                    const auto made = publish(std::vector<new_job>(50, job()));
                    const std::lock_guard hold(guard);
                    all.insert(all.end(), made.begin(), made.end());
                }
            });
        for (std::size_t w = 0; w != workers; ++w)
            crew.emplace_back([&, w] {
                random_source dice(first_seed + w);
                const auto worker = subscribe();
                std::vector<delivery> held;
                for (int round = 0; round != 1'000'000 && book.finished() < publishers * each_publisher; ++round) {
                    std::vector<settlement> ends;
                    for (const delivery& each : held) {
                        settlement end = completed(each);
                        if (dice.one_in(10)) end.what = verdict::retry, end.error = "no";
                        if (dice.one_in(10)) end.what = verdict::returned;
                        ends.push_back(std::move(end));
                    }
                    const exchanged done = exchange(*worker, ends, {.idle = dice.below(20), .ahead = dice.below(20)});
                    for (std::size_t i = 0; i != done.outcomes.size(); ++i) {
                        EXPECT_EQ(done.outcomes[i], settled::yes);
                        if (ends[i].what == verdict::completed) book.accepted(held[i].id);
                    }
                    held = done.jobs;
                    EXPECT_TRUE(beat(*worker).lost.empty());
                    if (dice.one_in(20)) {
                        EXPECT_TRUE(worker->sweep());
                    }
                }
                EXPECT_TRUE(held.empty());
            });
    }
    book.expect_each_once(all);
    EXPECT_EQ(queue().completed, all.size());
    expect_counters_true();
}

TEST_P(conformance, limits_hold_while_many_claim_at_once) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 5, .running_per_key = 2}));
    const std::size_t jobs = harness().scaled(2000);
    std::vector<new_job> some(jobs, job());
    for (std::size_t i = 0; i != jobs; ++i) some[i].key = std::string(1, static_cast<char>('a' + i % 4));
    publish(some);
    std::atomic<int> running = 0;
    std::array<std::atomic<int>, 4> running_of{};
    std::atomic<std::size_t> finished = 0;
    {
        std::vector<std::jthread> crew;
        for (int w = 0; w != 3; ++w)
            crew.emplace_back([&] {
                const auto worker = subscribe();
                for (int round = 0; round != 1'000'000 && finished < jobs; ++round) {
                    const auto held = claim(*worker, 3);
                    for (const delivery& each : held) {
                        EXPECT_LE(++running, 5);
                        EXPECT_LE(++running_of[static_cast<std::size_t>(each.key[0] - 'a')], 2);
                    }
                    std::vector<settlement> ends;
                    for (const delivery& each : held) {
                        --running, --running_of[static_cast<std::size_t>(each.key[0] - 'a')];
                        ends.push_back(completed(each));
                    }
                    static_cast<void>(exchange(*worker, ends, {}));
                    static_cast<void>(beat(*worker));
                    finished += held.size();
                }
            });
    }
    EXPECT_EQ(finished, jobs);
    expect_counters_true();
}

TEST_P(conformance, one_of_many_who_insert_the_same_key_at_once_has_it) {
    if (lacks(feature::unique)) return;
    constexpr int rounds = 50, callers = 3;
    std::atomic<int> accepted = 0;
    {
        std::vector<std::jthread> crew;
        for (int i = 0; i != callers; ++i)
            crew.emplace_back([&] {
                for (int round = 0; round != rounds; ++round) {
                    new_job each = job();
                    each.unique = unique_key{"key " + std::to_string(round)};
                    accepted += publish_one(each).outcome == published::accepted;
                }
            });
    }
    EXPECT_EQ(accepted, rounds);
    EXPECT_EQ(claim(*subscribe(), 999).size(), static_cast<std::size_t>(rounds));
}

}  // namespace gm::test
