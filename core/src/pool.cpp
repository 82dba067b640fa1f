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

pool::pool(const pool_options& options, std::source_location where) : pool(options, nullptr, where) {}

pool::pool(const pool_options& options, std::function<detail::worker_state_box()> make_state,
           std::source_location where) {
    if (options.timeout.count() < 0 || options.queue_timeout.count() < 0 || options.grace.count() < 0 ||
        options.sizing.idle.count() < 0)
        detail::misuse("a pool's times are not negative", where);
    if (options.priority_step.count() <= 0) detail::misuse("a pool's priority_step is longer than nothing", where);
    core_ = new detail::pool_core(options, std::move(make_state));
}

pool::~pool() {
    core_->end();
    core_->release();
}

bool pool::close(const until& limit) {
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

std::vector<waiting_job> pool::stop(const until& limit, bool* all_ended) {
    std::vector<waiting_job> back = stop();
    const bool ended = core_->wait_until_ended(limit.limits(), detail::pool_core::what::jobs);
    if (all_ended) *all_ended = ended;
    return back;
}

pool_snapshot pool::snapshot() const {
    pool_snapshot all = core_->snapshot();
    core_->name_current(all);
    return all;
}

}  // namespace gm
