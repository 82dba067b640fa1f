// The pool when the system refuses threads: in a virtual world whose engine says no when it is told to.
#include <gristmill/pool.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/detail/virtual_engine.hpp>
#include <gristmill/timer.hpp>

namespace {

using namespace std::chrono_literals;
using gm::detail::engine;

// The engine of a world, but for the threads.
class stingy_engine final : public engine {
public:
    explicit stingy_engine(engine& world) noexcept : world_(world) {}

    std::size_t allowed = 0;  // threads that it still starts
    std::size_t refused = 0;

    std::unique_ptr<thread_handle> start_thread(std::string name, std::function<void()> body) override {
        if (allowed == 0) {
            ++refused;
            throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
        }
        --allowed;
        return world_.start_thread(std::move(name), std::move(body));
    }

    gm::time_point now() noexcept override { return world_.now(); }
    bool runs_coroutines() const noexcept override { return world_.runs_coroutines(); }
    std::uint64_t ticks() noexcept override { return world_.ticks(); }
    bool park(gm::detail::parker& self, const gm::time_point* deadline) noexcept override {
        return world_.park(self, deadline);
    }
    void unpark(gm::detail::parker& sleeper) noexcept override { world_.unpark(sleeper); }
    void ready(gm::detail::task_header& task) noexcept override { world_.ready(task); }
    void stop(gm::detail::scheduler_core& home) noexcept override { world_.stop(home); }
    void waits(gm::detail::task_header* task, const char* what, const void* on,
               std::source_location where) noexcept override {
        world_.waits(task, what, on, where);
    }
    void add_timer(gm::detail::timer& entry, gm::time_point due) noexcept override { world_.add_timer(entry, due); }
    void remove_timer(gm::detail::timer& entry) noexcept override { world_.remove_timer(entry); }
    std::uint64_t random() noexcept override { return world_.random(); }
    void point() noexcept override { world_.point(); }
    void yield() noexcept override { world_.yield(); }
    void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept override {
        world_.wait(word, expected);
    }
    void wake_one(const std::atomic<std::uint32_t>& word) noexcept override { world_.wake_one(word); }

private:
    engine& world_;
};

// A pool whose threads come from `system`.
gm::pool pool_on(stingy_engine& system, const gm::pool_options& options) {
    struct borrowed {
        explicit borrowed(engine* other) : world(std::exchange(gm::detail::current_engine, other)) {}
        borrowed(const borrowed&) = delete;
        borrowed& operator=(const borrowed&) = delete;
        ~borrowed() { gm::detail::current_engine = world; }
        engine* world;
    } while_it_is_made(&system);
    return gm::pool(options);
}

void with_few_threads(const std::function<void(stingy_engine& system)>& body) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        gm::detail::virtual_engine world({.seed = seed});
        const auto outcome = world.run([&] {
            stingy_engine system(world);
            body(system);
        });
        EXPECT_EQ(outcome.ended, gm::detail::virtual_outcome::end::done);
        EXPECT_EQ(outcome.abandoned, 0u);
    }
}

template <class F>
void expect_refusal_that_names_the_limits(F what) {
    try {
        what();
        ADD_FAILURE() << "nothing was refused";
    } catch (const std::system_error& refused) {
        const std::string message = refused.what();
        EXPECT_NE(message.find("gm::pool cannot start a thread; "), std::string::npos) << message;
        EXPECT_NE(message.find(gm::detail::os::thread_limits()), std::string::npos) << message;
        EXPECT_EQ(refused.code(), std::errc::resource_unavailable_try_again);
    }
}

TEST(threads_refused, first_one_refuses_the_job_and_the_pool_is_unharmed) {
    with_few_threads([](stingy_engine& system) {
        gm::pool crew = pool_on(system, {.workers = 2, .queue = 10});
        int ran = 0;
        expect_refusal_that_names_the_limits([&] { static_cast<void>(crew.submit([&] { ++ran; })); });
        expect_refusal_that_names_the_limits([&] { crew.post([&] { ++ran; }); });
        EXPECT_EQ(crew.snapshot().threads_refused, 2u);
        EXPECT_EQ(crew.snapshot().threads, 0u);
        EXPECT_EQ(crew.snapshot().queued, 0u);
        EXPECT_EQ(crew.snapshot().submitted, 0u);
        system.allowed = 1;  // at once, without waiting for a second: nobody else could do the work
        EXPECT_EQ(crew.submit([&] { return ++ran; }).get().value(), 1);
        EXPECT_TRUE(crew.close());
        EXPECT_EQ(crew.snapshot().finished, 1u);
    });
}

TEST(threads_refused, later_ones_leave_the_work_to_those_who_are_there_and_are_tried_again) {
    with_few_threads([](stingy_engine& system) {
        system.allowed = 1;
        gm::pool crew = pool_on(system, {.workers = 3, .queue = 100});
        std::vector<gm::future<int>> jobs;
        for (int i = 0; i < 10; ++i)
            jobs.push_back(crew.submit([i] {
                gm::sleep(100ms);
                return i;
            }));
        EXPECT_EQ(crew.snapshot().threads, 1u);
        EXPECT_EQ(system.refused, 1u);  // and nobody asks again within a second
        system.allowed = 10;
        const gm::time_point start = gm::now();
        for (int i = 0; i < 10; ++i) EXPECT_EQ(jobs[static_cast<std::size_t>(i)].get().value(), i);
        EXPECT_EQ(gm::now() - start, 1s);  // one worker did it
        gm::sleep(1s);
        for (auto& each : jobs) each = crew.submit([] { return gm::sleep(100ms), 1; });
        for (auto& each : jobs) EXPECT_EQ(each.get().value(), 1);
        EXPECT_EQ(crew.snapshot().threads, 3u);
        EXPECT_EQ(crew.snapshot().threads_refused, 1u);
    });
}

TEST(threads_refused, start_throws_and_those_that_started_stay) {
    with_few_threads([](stingy_engine& system) {
        system.allowed = 2;
        gm::pool crew = pool_on(system, {.workers = 4, .queue = 10});
        expect_refusal_that_names_the_limits([&] { crew.start(); });
        EXPECT_EQ(crew.snapshot().threads, 2u);
        EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
        system.allowed = 2;
        crew.start();
        EXPECT_EQ(crew.snapshot().threads, 4u);
    });
}

TEST(threads_refused, resize_counts_and_the_pool_goes_on) {
    with_few_threads([](stingy_engine& system) {
        system.allowed = 1;
        gm::pool crew = pool_on(system, {.workers = 1, .queue = 10});
        std::vector<gm::future<void>> jobs;
        for (int i = 0; i < 4; ++i) jobs.push_back(crew.submit([] { gm::sleep(1s); }));
        EXPECT_TRUE(crew.resize(4));
        EXPECT_EQ(crew.workers(), 4u);
        EXPECT_EQ(crew.snapshot().threads, 1u);
        EXPECT_EQ(crew.snapshot().threads_refused, 1u);
        for (auto& each : jobs) EXPECT_TRUE(each.get());
    });
}

TEST(threads_refused, map_throws_and_goes_on_when_asked_again) {
    with_few_threads([](stingy_engine& system) {
        gm::pool crew = pool_on(system, {.workers = 2, .queue = 4});
        auto stream = crew.map_ordered(std::vector{1, 2, 3, 4, 5, 6}, [](int n) { return n; });
        expect_refusal_that_names_the_limits([&] { static_cast<void>(stream.next()); });
        expect_refusal_that_names_the_limits([&] { static_cast<void>(stream.next()); });
        system.allowed = 1;
        for (int n = 1; n <= 6; ++n) EXPECT_EQ(stream.next()->value(), n);
        EXPECT_FALSE(stream.next());
        EXPECT_EQ(crew.snapshot().refused, 0u);
    });
}

// The world's clock stands still while nobody has a thread for the watchdog: the limit comes into force with the next try.
TEST(threads_refused, watchdog_is_tried_again_by_the_next_job_with_a_timeout) {
    with_few_threads([](stingy_engine& system) {
        system.allowed = 2;
        gm::pool crew = pool_on(system, {.workers = 2, .queue = 10});
        crew.start();
        const auto until_stopped = [](gm::job& self) { static_cast<void>(self.context().done().receive(1h)); };
        auto first = crew.submit(until_stopped, {.timeout = 1s});
        EXPECT_FALSE(first.wait(10s));
        system.allowed = 1;
        auto second = crew.submit(until_stopped, {.timeout = 1s});
        EXPECT_EQ(first.get().status(), gm::job_status::timed_out);
        EXPECT_EQ(second.get().status(), gm::job_status::timed_out);
    });
}

}  // namespace
