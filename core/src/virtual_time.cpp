#include <gristmill/virtual_time.hpp>

#include <cstdio>
#include <exception>
#include <optional>

#include <gristmill/detail/virtual_engine.hpp>

namespace gm {

const char* to_string(virtual_end end) noexcept {
    switch (end) {
        case virtual_end::done: return "done";
        case virtual_end::horizon: return "horizon";
        case virtual_end::deadlock: return "deadlock";
        case virtual_end::steps: return "out of steps";
    }
    return "unknown";
}

std::string virtual_report::text() const {
    std::ostringstream out;
    out << to_string(ended) << " after " << std::chrono::duration<double>(passed).count() << " s, " << steps
        << " steps";
    if (unfinished != 0) out << ", " << unfinished << " task(s) unfinished";
    if (abandoned != 0) out << ", " << abandoned << " thread(s) abandoned";
    for (const waiting& each : waits) out << "\n  " << each.who << ": " << each.what;
    return std::move(out).str();
}

namespace {

using detail::virtual_engine;

// An engine that something may still point at is never freed; it stays reachable, so that a search for leaks does not
// blame the test that looked at a deadlock.
void keep_for_ever(std::unique_ptr<virtual_engine> engine) {
    static constinit detail::lock guard;
    static auto& kept = *new std::vector<std::unique_ptr<virtual_engine>>;
    detail::lock_guard hold(guard);
    kept.push_back(std::move(engine));
}

struct engine_holder {
    explicit engine_holder(const virtual_time_options& options)
        : engine(std::make_unique<virtual_engine>(detail::virtual_world{
              .seed = options.seed, .horizon = options.horizon, .most_steps = options.most_steps})) {}
    ~engine_holder() {
        if (engine->haunted()) keep_for_ever(std::move(engine));
    }
    engine_holder(const engine_holder&) = delete;
    engine_holder& operator=(const engine_holder&) = delete;
    std::unique_ptr<virtual_engine> engine;
};

virtual_report to_report(detail::virtual_outcome&& outcome) {
    virtual_report report;
    report.ended = static_cast<virtual_end>(outcome.ended);
    report.steps = outcome.steps;
    report.passed = outcome.passed;
    report.abandoned = outcome.abandoned;
    for (auto& each : outcome.waiting) report.waits.push_back({std::move(each.who), std::move(each.what)});
    return report;
}

task<> run_root(task<> root, virtual_engine& world, std::exception_ptr& failure) {
    try {
        co_await std::move(root);
    } catch (...) {
        failure = std::current_exception();
    }
    world.release_root();
}

}  // namespace

virtual_time::virtual_time(virtual_time_options options, std::source_location where) : options_(options) {
    if (options.horizon < std::chrono::nanoseconds::zero()) detail::misuse("a horizon in the past", where);
}

virtual_time::~virtual_time() = default;

virtual_report virtual_time::run(task<> root) {
    return run_task([&root] { return std::move(root); });
}

virtual_report virtual_time::run_task(const std::function<task<>()>& make) {
    engine_holder world(options_);
    std::exception_ptr failure;
    std::size_t unfinished = 0;
    detail::virtual_outcome outcome = world.engine->run([&] {
        table_.begin();
        scheduler own;
        static_cast<void>(own.spawn(run_root(make(), *world.engine, failure), "root"));
        static_cast<void>(world.engine->await_end());
        unfinished = own.shutdown(std::chrono::milliseconds(0)).unfinished;
    });
    if (failure) std::rethrow_exception(failure);
    virtual_report report = to_report(std::move(outcome));
    report.unfinished = unfinished;
    return report;
}

virtual_report virtual_time::run_body(const std::function<void()>& root) {
    engine_holder world(options_);
    return to_report(world.engine->run([&] {
        table_.begin();
        root();
    }));
}

}  // namespace gm
