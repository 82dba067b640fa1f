#include "schedule/explore.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "schedule/fibers.hpp"

namespace schedule {

namespace {

std::uint64_t number_from(const char* variable) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : 0;
}

// Seeds take turns among the ways to choose.
gm::detail::virtual_world world_of(std::uint64_t seed, const effort& how) {
    gm::detail::virtual_world world;
    world.seed = seed * 0x9e3779b97f4a7c15;
    world.most_steps = 50'000;
    world.stacks = &fibers();
    world.carriers = how.carriers;
    world.hasty_clock = how.hasty_clock;
    world.real_workers = how.real_workers;
    if (seed % 4 == 3) {
        world.strategy = gm::detail::virtual_strategy::priorities;
        world.changes = 1 + static_cast<unsigned>(seed / 4 % 5);
        world.expected_steps = 50u << (seed / 20 % 4);
    } else {
        world.preempt_one_in = 1u << (seed % 4 * 2);  // 1, 4, 16
    }
    return world;
}

// What was abandoned in a failed world may point at its engine.
void keep(std::unique_ptr<gm::detail::virtual_engine> engine, std::unique_ptr<arena> here) {
    using pair = std::pair<std::unique_ptr<gm::detail::virtual_engine>, std::unique_ptr<arena>>;
    static auto* const all = new std::vector<pair>;
    all->emplace_back(std::move(engine), std::move(here));
}

std::string why(const gm::detail::virtual_outcome& outcome, const arena& here) {
    using end = gm::detail::virtual_outcome::end;
    std::string text;
    if (outcome.ended == end::deadlock) text = "deadlock";
    if (outcome.ended == end::steps) text = "never ends";
    if (!here.failure().empty()) text = here.failure();
    if (!text.empty())
        for (const auto& each : outcome.waiting) text += "\n  " + each.who + ": " + each.what;
    return text;
}

void run_once(const scenario& body, const effort& how, std::uint64_t seed, finding& found,
              std::unordered_set<std::uint64_t>& courses) {
    auto engine = std::make_unique<gm::detail::virtual_engine>(world_of(seed, how));
    auto here = std::make_unique<arena>(seed);
    const auto outcome = engine->run([&] {
        body(*here);
        here->join();
    });
    ++found.schedules;
    found.steps += outcome.steps;
    courses.insert(outcome.course);
    found.failure = why(outcome, *here);
    if (!found.failure.empty()) found.seed = seed;
    if (outcome.abandoned == 0) return;
    if (found.failure.empty()) found.failure = "a strand outlived the scenario", found.seed = seed;
    keep(std::move(engine), std::move(here));
}

}  // namespace

std::size_t arena::go(std::string name, std::function<void()> body) {
    strands_.push_back(gm::detail::current_engine->start_thread(std::move(name), std::move(body)));
    return strands_.size() - 1;
}

finding explore(const scenario& body, effort how_much) {
    finding found;
    std::unordered_set<std::uint64_t> courses;
    if (const std::uint64_t seed = number_from("GRISTMILL_SCHEDULE_SEED")) {
        run_once(body, how_much, seed, found, courses);
        return found;
    }
    const std::uint64_t wanted = number_from("GRISTMILL_SCHEDULES");
#if defined(GRISTMILL_SLOW_BUILD)
    how_much.schedules = std::max<std::uint64_t>(how_much.schedules / 10, 500);
#endif
    const std::uint64_t schedules = wanted != 0 ? wanted : how_much.schedules;
    for (std::uint64_t seed = 1; seed <= schedules && found.failure.empty(); ++seed)
        run_once(body, how_much, seed, found, courses);
    found.courses = courses.size();
    return found;
}

void expect_sound(const scenario& body, effort how_much) {
    const finding found = explore(body, how_much);
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::printf("%llu schedules, %llu of them different, %llu steps\n",
                static_cast<unsigned long long>(found.schedules), static_cast<unsigned long long>(found.courses),
                static_cast<unsigned long long>(found.steps));
    ::testing::Test::RecordProperty("schedules", static_cast<int>(found.schedules));
    EXPECT_TRUE(found.failure.empty()) << found.failure << "\nseed " << found.seed
                                       << "; again: GRISTMILL_SCHEDULE_SEED=" << found.seed
                                       << " schedule_tests --gtest_filter=" << test->test_suite_name() << '.'
                                       << test->name();
}

void expect_found(const scenario& body, const char* failure, effort how_much) {
    const finding found = explore(body, how_much);
    std::printf("found after %llu schedules (seed %llu): %s\n", static_cast<unsigned long long>(found.schedules),
                static_cast<unsigned long long>(found.seed), found.failure.c_str());
    EXPECT_NE(found.failure.find(failure), std::string::npos)
        << "planted, and not found in " << found.schedules << " schedules; " << found.failure;
}

}  // namespace schedule
