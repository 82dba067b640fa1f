#pragma once
// A store, a registry, a runner on a thread of its own, and who asks them: what the tests of the runner begin with.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

namespace gm::test {

// Started by run(), stopped by stop() or the end of its scope. Kinds are added before run().
class workshop {
public:
    explicit workshop(jobs::runner_options with = {}, std::unique_ptr<jobs::store> on = stores::open_memory())
        : options(std::move(with)), store(std::move(on)), client(*store) {
        if (options.workers == 0) options.workers = 2;
        if (options.seed == 0) options.seed = 1;
    }
    ~workshop() { stop(); }

    void run() {
        runner.emplace(*store, kinds, options);
        quit.emplace();
        thread.go([this] { report = runner->run(*quit); });
    }
    const jobs::runner_report& stop() {
        if (quit) quit->cancel();
        thread.wait();
        quit.reset();
        return report;
    }

    template <class Args>
    jobs::job_id put(std::string kind, const Args& arguments, jobs::insert_options how = {}) {
        auto done = client.insert(std::move(kind), arguments, std::move(how));
        EXPECT_TRUE(done) << done.error().what;
        return done ? done->id : jobs::job_id{};
    }
    jobs::job_id put(std::string kind) { return put(std::move(kind), jobs::body{"null", {}}); }

    jobs::record look(jobs::job_id id) {
        auto found = client.find(id);
        EXPECT_TRUE(found && *found);
        return found && *found ? **std::move(found) : jobs::record{};
    }
    jobs::record end_of(jobs::job_id id) {
        auto over = client.wait(id, until_given_up);
        EXPECT_TRUE(over) << over.error().what;
        return over ? *std::move(over) : jobs::record{};
    }

    std::chrono::hours until_given_up{24 * 365};
    jobs::runner_options options;
    std::unique_ptr<jobs::store> store;
    jobs::registry kinds;
    jobs::client client;
    std::optional<jobs::runner> runner;
    std::optional<context_source> quit;
    jobs::runner_report report;
    gm::wait_group thread;
};

// On virtual time, under several seeds: what is expected holds whatever the order.
inline void on_virtual_time(const std::function<void()>& body, std::uint64_t seeds = 5, std::size_t abandoned = 0) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE(seed);
        gm::virtual_time day({.seed = seed, .horizon = std::chrono::hours(24 * 400)});
        const gm::virtual_report report = day.run([&] { body(); });
        EXPECT_TRUE(report) << report.text();
        EXPECT_EQ(report.abandoned, abandoned);
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace gm::test
