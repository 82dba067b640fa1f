// Eight hours of a workshop in a moment, the same each time for the same seed.
#include <atomic>
#include <chrono>
#include <stdexcept>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::workshop;

struct day_end {
    std::string course;  // every start and end, in their order, with their times
    std::uint64_t steps = 0;
};

struct day_log : runner_observer {
    gm::time_point begun = gm::now();
    std::string text;
    void add(const char* what, const attempt_event& e) {
        const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(gm::now() - begun).count();
        text += std::to_string(at) + what + std::to_string(e.id.number) + '/' + std::to_string(e.attempt) + '\n';
    }
    void started(const attempt_event& e) noexcept override { add(" starts ", e); }
    void finished(const attempt_event& e) noexcept override { add(" ends ", e); }
    void failed(const attempt_event& e) noexcept override { add(" fails ", e); }
};

// Retries, snoozes, time limits, a stop at noon with work in hand, and another crew that goes on.
day_end a_day(std::uint64_t seed) {
    gm::virtual_time day({.seed = seed, .horizon = 24h});
    day_end end;
    const gm::virtual_report report = day.run([&] {
        day_log watch;
        workshop shop({.workers = 3, .observer = &watch});
        shop.kinds.add("flaky", [](const body&, attempt& self) {
            gm::sleep(2s);
            if (self.number() < 4) throw std::runtime_error("not yet");
        });
        bool snoozed = false;
        shop.kinds.add("sleepy", [&](const body&) {
            if (!std::exchange(snoozed, true)) throw snooze(3h);
        });
        shop.kinds.add("slow",
                       [](const body&, attempt& self) {
                           if (gm::sleep(self.number() == 1 ? 5min : 5s, self.context()) != gm::channel_status::ok)
                               self.context().check();
                       },
                       {.timeout = 1min});
        shop.kinds.add("long", [](const body&, attempt& self) {
            if (gm::sleep(40min, self.context()) != gm::channel_status::ok) self.context().check();
        });
        std::vector<job_id> ids;
        for (int i = 0; i != 20; ++i)
            for (const char* kind : {"flaky", "slow", "sleepy"})
                ids.push_back(shop.put(kind, body{}, {.delay = i * 20min}));
        ids.push_back(shop.put("long", body{}, {.delay = 3h + 45min}));
        shop.run();
        gm::sleep(4h);
        EXPECT_GE(shop.stop().counts.interrupted, 1u);  // the long one
        gm::sleep(1min);
        shop.run();
        gm::sleep(4h);
        EXPECT_TRUE(shop.stop());
        for (const job_id id : ids) EXPECT_EQ(shop.look(id).state, state::completed) << id.number;
        end.course = std::move(watch.text);
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_GE(report.passed, 8h);
    end.steps = report.steps;
    return end;
}

TEST(runner_day, eight_hours_take_the_same_course_for_the_same_seed) {
    const day_end one = a_day(7), again = a_day(7);
    EXPECT_EQ(one.course, again.course);
    EXPECT_EQ(one.steps, again.steps);
    EXPECT_GT(std::ranges::count(one.course, '\n'), 200);
}

}  // namespace
