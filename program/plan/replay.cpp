#include "program/plan/replay.hpp"

#include <algorithm>
#include <stdexcept>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

namespace gm::program {

namespace {

constexpr double busy_enough = 0.8;
constexpr double hardly_longer = 1.05;

void check(const virtual_report& report) {
    if (!report) throw std::runtime_error("the replay did not come to its end: " + report.text());
}

task<> go_through(std::span<const std::chrono::nanoseconds> durations, unsigned crew) {
    wait_group running;
    pool workers({.workers = crew, .queue = unbounded_queue});
    running.add(static_cast<long>(durations.size()));
    for (const auto took : durations)
        workers.post([took, &running]() -> task<> {
            co_await async_sleep(took);
            running.done();
        });
    co_await running.async_wait();
}

}  // namespace

// All of it in coroutines: with a thread for each worker, or one that submits, every job would be a change of threads.
replayed replay(std::span<const std::chrono::nanoseconds> durations, unsigned crew) {
    virtual_time day;
    const virtual_report report = day.run([&] { return go_through(durations, crew); });
    check(report);
    std::chrono::nanoseconds work{0};
    for (const auto took : durations) work += took;
    replayed made{.crew = crew, .seconds = std::chrono::duration<double>(report.passed).count(), .busy = 1};
    if (made.seconds > 0) made.busy = std::chrono::duration<double>(work).count() / (made.seconds * crew);
    return made;
}

std::string replay_table(std::span<const std::chrono::nanoseconds> durations, unsigned crew) {
    virtual_time day;
    dry_run& table = day.table();
    check(day.run([&] {
        pool workers({.workers = crew, .queue = unbounded_queue});
        table.begin(crew);
        for (std::size_t i = 0; i != durations.size(); ++i) {
            table.queued(i + 1);
            workers.post([&, i](job& self) {
                const auto worker = static_cast<std::size_t>(self.worker());
                table.started(worker, i + 1);
                sleep(durations[i]);
                table.finished(worker, i + 1);
            });
        }
        workers.close();
    }));
    return table.text();
}

std::vector<unsigned> sizes_to_try(unsigned most, bool few) {
    std::vector<unsigned> all;
    for (unsigned power = 1; power <= most; power *= 2)
        for (const unsigned size : {power, few ? power : power + power / 2})
            if (size <= most && (all.empty() || size > all.back())) all.push_back(size);
    if (all.back() != most) all.push_back(most);
    return all;
}

std::size_t choice(std::span<const replayed> all) {
    std::size_t chosen = 0;
    for (std::size_t i = 0; i != all.size(); ++i)
        if (all[i].busy >= busy_enough && all[i].seconds < all[chosen].seconds) chosen = i;
    for (std::size_t i = 0; i != chosen; ++i)
        if (all[i].seconds <= all[chosen].seconds * hardly_longer) return i;
    return chosen;
}

}  // namespace gm::program
