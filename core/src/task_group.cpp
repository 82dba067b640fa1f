#include <gristmill/task_group.hpp>

#include <gristmill/detail/misuse.hpp>

namespace gm {
namespace detail {

task<> group_core::run_task(seat self, task<> work) {
    try {
        co_await std::move(work);
    } catch (...) {
        self.member.group_->fail(std::current_exception());
    }
    work = {};  // its captures are gone before the group counts it as ended
    self.member.finished = true;
}

void group_core::fail(std::exception_ptr what) noexcept {
    {
        lock_guard hold(guard);
        if (!error) error = what;
    }
    ends.cancel(std::move(what));
}

void group_core::rethrow() const {
    std::exception_ptr first;
    {
        lock_guard hold(guard);
        first = error;
    }
    if (first) std::rethrow_exception(first);
}

void group_core::add(task<> work, std::unique_ptr<runnable> body) {
    if (ends.is_done()) return;
    entry next{membership(shared_from_this()), std::move(work), std::move(body)};
    next.member.finished = true;  // until it starts, dropping it is no failure
    {
        lock_guard hold(guard);
        if (running >= most || !pending.empty()) {  // not past those whose turn has just come
            pending.push_back(std::move(next));
            return;
        }
        ++running;
        next.member.runs = true;
    }
    start(std::move(next));
}

void group_core::start(entry next) {
    if (next.work) {
        auto handle = run_task(seat(std::move(next.member)), std::move(next.work)).release();
        if (!home->spawn(handle.promise(), "task_group")) handle.destroy();  // it was shut down
        return;
    }
    members.go([this, mine = std::move(next)]() mutable { run_here(mine); });
}

// On a member's thread, which goes on with what waits for a place.
void group_core::run_here(entry& first) noexcept {
    try {
        first.body->run(ends);
    } catch (...) {
        fail(std::current_exception());
    }
    first.body.reset();
}

void group_core::set_limit(std::size_t at_once) noexcept {
    {
        lock_guard hold(guard);
        most = at_once;
    }
    start_pending();
}

// One at a time: whoever comes meanwhile leaves it to him. Else a member that could not be started would, as it leaves,
// start the next one on top of itself, and so on through the queue.
void group_core::start_pending() noexcept {
    {
        lock_guard hold(guard);
        if (starting) return;
        starting = true;
    }
    for (std::list<entry> next; take_pending(next); next.clear()) {
        try {
            start(std::move(next.front()));
        } catch (...) {
            fail(std::current_exception());
        }
    }
}

// True: the first has its turn. False: nothing more is to be started; in a group that has ended, `taken` is to be dropped.
bool group_core::take_pending(std::list<entry>& taken) noexcept {
    lock_guard hold(guard);
    const bool ended = ends.is_done();
    if (ended || running >= most || pending.empty()) {
        if (ended) taken.swap(pending);
        starting = false;
        return false;
    }
    taken.splice(taken.begin(), pending, pending.begin());
    taken.front().member.runs = true;
    ++running;
    return true;
}

// A member has ended: the next ones have their turn before it stops being counted.
void group_core::leave(membership& member) noexcept {
    if (!member.finished) fail(cause_of<cancelled>("a member of a task_group was destroyed unfinished"));
    if (std::exchange(member.runs, false)) {
        {
            lock_guard hold(guard);
            --running;
        }
        start_pending();
    }
    members.done();
}

}  // namespace detail

task_group::task_group(const context& parent, std::source_location where)
    : core_(std::make_shared<detail::group_core>(detail::current_worker ? &detail::current_worker->home : nullptr,
                                                 parent, where)),
      where_(where) {}

task_group::task_group(scheduler& on, const context& parent, std::source_location where)
    : core_(std::make_shared<detail::group_core>(&on.core(), parent, where)), where_(where) {}

task_group::~task_group() {
    if (core_->members.count() == 0) return;
    if (detail::current_worker)
        detail::misuse(
            "a task_group left its scope on a scheduler's thread while its members run: "
            "co_await async_wait() first, or use run_group()",
            where_);
    cancel();
    if (core_->home && core_->home->stopped())
        core_->join_threads();  // its tasks are destroyed too, later
    else
        core_->members.wait(where_);
}

void task_group::go(task<> work, std::source_location where) {
    if (!work) detail::misuse("an empty task in a task_group", where);
    if (!core_->home) detail::misuse("a task in a task_group without a scheduler", where);
    core_->add(std::move(work), nullptr);
}

void task_group::limit(std::size_t most, std::source_location where) {
    if (most == 0) detail::misuse("a task_group limited to no members would never run any", where);
    core_->set_limit(most);
}

void task_group::wait(std::source_location where) {
    core_->members.wait(where);
    core_->rethrow();
}

channel_status task_group::wait(const until& limit, std::source_location where) {
    const channel_status status = core_->members.wait(limit, where);
    if (status == channel_status::ok) core_->rethrow();
    return status;
}

}  // namespace gm
