#include <gristmill/wait_group.hpp>

#include <limits>

#include <gristmill/detail/misuse.hpp>

namespace gm {

void wait_group::count_by(std::ptrdiff_t n, crew_thread* finished, std::source_location where) noexcept {
    detail::wake_list wakes;
    {
        detail::lock_guard hold(place_.guard);
        if (n > 0 && place_.count > std::numeric_limits<std::ptrdiff_t>::max() - n)
            detail::misuse("a wait_group's count overflows", where);
        if (place_.count + n < 0) detail::misuse("a wait_group below zero: done() without its add()", where);
        place_.count += n;
        if (finished) {
            finished->over = true;
            if (finished->has_handle) retire(*finished);
        }
        if (place_.count == 0)
            while (detail::waiter* const each = place_.waiting.pop_claimed()) {
                each->outcome = channel_status::ok;
                wakes.commit(*each);
            }
    }
    wakes.wake();  // the group may be gone
}

void wait_group::retire(crew_thread& over) noexcept {
    (over.prev ? over.prev->next : running_) = over.next;
    if (over.next) over.next->prev = over.prev;
    over.next = finished_;
    finished_ = &over;
}

void wait_group::add(std::ptrdiff_t n, std::source_location where) noexcept { count_by(n, nullptr, where); }

void wait_group::wait(std::source_location where) noexcept {
    detail::wait_at(place_, 0, {}, where);
    join_finished();
}

channel_status wait_group::wait(const until& limit, std::source_location where) noexcept {
    const channel_status status = detail::wait_at(place_, 0, limit.limits(), where);
    if (status == channel_status::ok) join_finished();
    return status;
}

std::ptrdiff_t wait_group::count() const noexcept {
    detail::lock_guard hold(place_.guard);
    return place_.count;
}

void wait_group::start(std::unique_ptr<runnable> work) {
    join_finished();
    auto owned = std::make_unique<crew_thread>();
    crew_thread* const made = owned.get();
    made->work = std::move(work);
    {
        detail::lock_guard hold(place_.guard);
        ++place_.count;
        made->next = running_;
        if (running_) running_->prev = made;
        running_ = made;
    }
    detail::joined_thread thread;
    try {
        thread = detail::joined_thread("gm-crew", [this, made] { run(*made); });
    } catch (...) {
        made->work.reset();
        made->has_handle = true;
        count_by(-1, made, where_);
        static_cast<void>(owned.release());
        join_finished();
        throw;
    }
    static_cast<void>(owned.release());
    detail::lock_guard hold(place_.guard);
    made->thread = std::move(thread);
    made->has_handle = true;
    if (made->over) retire(*made);
}

void wait_group::run(crew_thread& self) noexcept {
    self.work->run();
    self.work.reset();
    count_by(-1, &self, where_);
}

void wait_group::join_finished() noexcept {
    crew_thread* gone;
    {
        detail::lock_guard hold(place_.guard);
        gone = std::exchange(finished_, nullptr);
    }
    while (gone) delete std::exchange(gone, gone->next);
}

wait_group::~wait_group() {
    bool threads_run;
    {
        detail::lock_guard hold(place_.guard);
        threads_run = running_ != nullptr;
    }
    if (threads_run && detail::current_worker)
        detail::misuse(
            "a wait_group whose threads still run was destroyed on a scheduler's thread: "
            "co_await async_wait() first",
            where_);
    join_all();
}

void wait_group::join_all() noexcept {
    while (true) {
        join_finished();
        crew_thread* one;
        {
            detail::lock_guard hold(place_.guard);
            one = running_;
        }
        if (!one) break;
        one->thread.join();
    }
    join_finished();
}

}  // namespace gm
