// Ends that come soon after one another are settled by one call, and one that comes alone is not held back for others that do not.
// The store takes its time here, for how long ends are gathered goes by that: a quarter of it, and 2 ms at most.
#include <algorithm>
#include <utility>

#include "faulty_store.hpp"
#include "workshop.hpp"

namespace {

using namespace gm::jobs;
using namespace gm::test;
using namespace std::chrono_literals;

// Three hands, and a store that answers after `takes`. Of the jobs each takes as long as its arguments say.
class slow_shop {
public:
    explicit slow_shop(std::chrono::milliseconds takes)
        : shop_({.workers = 3, .poll = 1h},
                std::make_unique<faulty_store>(gm::stores::open_memory(), [takes](call what) {
                    if (what == call::exchange) gm::sleep(takes);
                    return fault::none;
                })) {
        shop_.kinds.add<int>("takes", [this](int us) {
            begun_.push_back(gm::now());
            gm::sleep(std::chrono::microseconds(us));
        });
    }

    // They are there when the run begins, so that one answer brings them all. Returns when and how many ends were presented.
    std::vector<faulty_store::presented> settle_all(const std::vector<int>& jobs) {
        std::vector<job_id> made;
        for (const int us : jobs) made.push_back(shop_.put("takes", us));
        shop_.run();
        for (const job_id id : made) EXPECT_EQ(shop_.end_of(id).state, state::completed);
        shop_.stop();
        return dynamic_cast<faulty_store&>(*shop_.store).presentations();
    }
    gm::time_point begin() const { return *std::ranges::min_element(begun_); }

private:
    workshop shop_;
    std::vector<gm::time_point> begun_;  // on virtual time one thread runs at a time
};

TEST(runner_gather, ends_that_come_together_are_settled_by_one_call) {
    on_virtual_time([] {
        slow_shop shop(100ms);
        const auto calls = shop.settle_all({0, 700, 1'500});
        ASSERT_EQ(calls.size(), 1u);
        EXPECT_EQ(calls[0].ends, 3u);
        EXPECT_EQ(calls[0].at - shop.begin(), 1'500us) << "it waits for nobody after the last one";
    });
}

TEST(runner_gather, end_that_comes_alone_is_held_back_for_a_quarter_of_an_exchange_and_2_ms_at_most) {
    for (const auto& [time, most] : {std::pair(4ms, 1ms), std::pair(8ms, 2ms), std::pair(100ms, 2ms)})
        on_virtual_time([takes = time, bound = most] {
            SCOPED_TRACE(takes.count());
            slow_shop shop(takes);
            const auto calls = shop.settle_all({0, 1'800'000'000});
            ASSERT_EQ(calls.size(), 2u);
            EXPECT_EQ(calls[0].ends, 1u);
            EXPECT_EQ(calls[0].at - shop.begin(), bound);
        });
}

TEST(runner_gather, end_that_comes_after_the_bound_is_presented_at_once) {
    on_virtual_time([] {
        slow_shop shop(100ms);
        const auto calls = shop.settle_all({3'000, 1'800'000'000});
        ASSERT_EQ(calls.size(), 2u);
        EXPECT_EQ(calls[0].at - shop.begin(), 3ms);
    });
}

}  // namespace
