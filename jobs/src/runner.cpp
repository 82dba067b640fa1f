#include <gristmill/jobs/runner.hpp>

#include <mutex>
#include <vector>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/os.hpp>

#include "runner_core.hpp"

namespace gm::jobs {

namespace {

// Handlers that have not come back still use these. Never destroyed: a thread may return from one at the very end.
struct left_behind {
    std::mutex guard;
    std::vector<std::shared_ptr<detail::runner_core>> runs;
};
left_behind& abandoned() {
    static left_behind* const all = new left_behind;
    return *all;
}

}  // namespace

std::size_t abandoned_runs() noexcept {
    const std::lock_guard hold(abandoned().guard);
    return abandoned().runs.size();
}

class runner::state {
public:
    state(jobs::store& store, const registry& kinds, runner_options options)
        : store_(store), kinds_(kinds), options_(std::move(options)), workers_(sized(options_.workers)) {}

    runner_report run(const context& ctx, std::source_location where) {
        const std::shared_ptr<detail::runner_core> core = begin(where);
        struct ending {  // also when something throws
            state& of;
            ~ending() {
                const std::lock_guard hold(of.guard_);
                of.core_.reset();
                of.hurried_ = false;
            }
        } at_the_end{*this};
        runner_report report = core->run(ctx);
        if (core->left_behind()) {
            const std::lock_guard hold(abandoned().guard);
            abandoned().runs.push_back(core);
        }
        return report;
    }

    void hurry() {
        const std::lock_guard hold(guard_);
        hurried_ = true;
        if (core_) core_->hurry();
    }
    void resize(unsigned workers) {
        const std::shared_ptr<detail::runner_core> core = current([&] { workers_ = sized(workers); });
        if (core) core->resize(sized(workers));
    }
    void pause(bool paused) {
        const std::shared_ptr<detail::runner_core> core = current([&] { paused_ = paused; });
        if (core) core->pause(paused);
    }
    runner_snapshot snapshot() {
        if (const std::shared_ptr<detail::runner_core> core = current([] {})) return core->snapshot();
        return {};
    }

private:
    static unsigned sized(unsigned workers) { return workers != 0 ? workers : gm::detail::os::usable_cpus(); }

    std::shared_ptr<detail::runner_core> begin(std::source_location where) {
        const std::lock_guard hold(guard_);
        if (core_) gm::detail::misuse("run() of a runner that runs already", where);
        core_ = std::make_shared<detail::runner_core>(store_, kinds_, options_, workers_, paused_);
        if (hurried_) core_->hurry();
        return core_;
    }
    template <class F>
    std::shared_ptr<detail::runner_core> current(F change) {
        const std::lock_guard hold(guard_);
        change();
        return core_;
    }

    jobs::store& store_;
    const registry& kinds_;
    const runner_options options_;

    std::mutex guard_;                           // protects what follows
    std::shared_ptr<detail::runner_core> core_;  // of the run that goes on
    unsigned workers_;
    bool paused_ = false, hurried_ = false;
};

runner::runner(jobs::store& store, const registry& kinds, runner_options options, std::source_location where) {
    using std::chrono::microseconds;
    if (options.queues.empty()) gm::detail::misuse("a runner without a queue", where);
    for (const microseconds each :
         {options.beat, options.abandon_after, options.grace, options.last_grace, options.ahead, options.unstarted})
        if (each.count() < 0) gm::detail::misuse("a runner's times are not negative", where);
    if (options.lease.count() <= 0 || options.poll.count() <= 0 || options.wedged.count() <= 0)
        gm::detail::misuse("a runner's lease, poll and wedged are more than 0", where);
    if (options.beat >= options.lease) gm::detail::misuse("a runner beats more often than its lease runs out", where);
    state_ = std::make_unique<state>(store, kinds, std::move(options));
}
runner::~runner() = default;

runner_report runner::run(const context& ctx, std::source_location where) { return state_->run(ctx, where); }
void runner::hurry() noexcept { state_->hurry(); }
void runner::resize(unsigned workers) { state_->resize(workers); }
void runner::pause(bool paused) { state_->pause(paused); }
runner_snapshot runner::snapshot() const { return state_->snapshot(); }

}  // namespace gm::jobs
