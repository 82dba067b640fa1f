#include <gristmill/pool.hpp>

namespace gm {

waiting_job::~waiting_job() {
    if (full_) entry_.discard();
}

job_id waiting_job::id() const noexcept {
    return entry_.is_job() ? const_cast<detail::pool_entry&>(entry_).job()->facts.id : job_id{};
}

const char* waiting_job::name() const noexcept {
    return entry_.is_job() ? const_cast<detail::pool_entry&>(entry_).job()->name : nullptr;
}

bool waiting_job::run() {
    if (!full_ || (entry_.is_job() && entry_.job()->coroutine)) return false;
    if (!entry_.is_job()) {
        full_ = false;
        entry_.ops->run(entry_.room);
        return true;
    }
    waiting_job taken(std::move(*this));
    job self(taken.entry_.job(), -1, nullptr, nullptr);
    taken.entry_.job()->run(self);
    return true;
}

namespace {

// -1 becomes a huge number on its way into an unsigned one.
void check_not_negative(unsigned size, std::source_location where) {
    if (static_cast<int>(size) < 0) detail::misuse("a pool's sizes are not negative", where);
}

// What waits for the pool's jobs must not be one of them, nor hold up a scheduler.
void check_may_wait(const detail::pool_core& core, std::source_location where) {
    if (core.inside(detail::current_pool_worker))
        detail::misuse("a pool is waited for by one of its own jobs, which it would wait for", where);
    if (detail::current_worker)
        detail::misuse("waiting for a pool would block a scheduler's thread; co_await gm::blocking(...) instead",
                       where);
}

}  // namespace

pool::pool(const pool_options& options, std::source_location where) : pool(options, nullptr, where) {}

pool::pool(const pool_options& options, std::function<detail::worker_state_box()> make_state,
           std::source_location where) {
    if (options.timeout.count() < 0 || options.queue_timeout.count() < 0 || options.grace.count() < 0 ||
        options.sizing.idle.count() < 0)
        detail::misuse("a pool's times are not negative", where);
    if (options.priority_step.count() <= 0) detail::misuse("a pool's priority_step is longer than nothing", where);
    check_not_negative(options.workers, where);
    check_not_negative(options.sizing.least, where);
    check_not_negative(options.sizing.most, where);
    if (options.queue != unbounded_queue && static_cast<std::ptrdiff_t>(options.queue) < 0)
        detail::misuse("a pool's sizes are not negative", where);
    core_ = new detail::pool_core(options, std::move(make_state), where);
}

pool::~pool() {
    core_->end();
    core_->release();
}

bool pool::resize(unsigned workers, std::source_location where) {
    check_not_negative(workers, where);
    return core_->resize(workers);
}

bool pool::close(const until& limit, std::source_location where) {
    check_may_wait(*core_, where);
    core_->close();
    return core_->wait_until_ended(limit.limits(), detail::pool_core::what::jobs);
}

std::vector<waiting_job> pool::stop() {
    core_->close();
    std::vector<waiting_job> back;
    detail::pool_entry some[64];
    while (true) {
        // Room for them first: without memory nothing is taken.
        if (back.capacity() - back.size() < std::size(some)) back.reserve(2 * back.size() + std::size(some));
        const std::size_t n = core_->stop_some(some, std::size(some));
        if (n == 0) return back;
        for (std::size_t i = 0; i != n; ++i) back.emplace_back(some[i]);
    }
}

std::vector<waiting_job> pool::stop(const until& limit, std::source_location where) {
    check_may_wait(*core_, where);
    std::vector<waiting_job> back = stop();
    static_cast<void>(core_->wait_until_ended(limit.limits(), detail::pool_core::what::jobs));
    return back;
}

pool_snapshot pool::snapshot() const {
    pool_snapshot all = core_->snapshot();
    core_->name_current(all);
    return all;
}

}  // namespace gm
