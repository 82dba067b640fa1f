#include <gristmill/timer.hpp>

#include <memory>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/thread_wait.hpp>

namespace gm {
namespace detail {

channel_status sleep_here(const limits& until, std::source_location where) noexcept {
    if (until.context && until.context->done()) return channel_status::cancelled;
    if (until.has_deadline && until.deadline <= now()) return channel_status::ok;
    if (current_worker) misuse("a blocking sleep on a thread of a scheduler: co_await gm::async_sleep instead", where);
    if (current_engine) current_engine->waits(nullptr, "sleeps", nullptr, where);
    thread_wait self;  // in no queue: only its limits end it
    if (!self.arm(until)) return channel_status::cancelled;
    return self.sleep(until) == channel_status::timed_out ? channel_status::ok : channel_status::cancelled;
}

bool limited_sleep_operation::await_ready() noexcept {
    worker* const here = current_worker;
    if (here) here->operation_begins();
    if (guard_.already_done())
        waiter_.outcome = channel_status::cancelled;
    else if (until_.has_deadline && until_.deadline <= now())
        waiter_.outcome = channel_status::timed_out;
    else
        return false;
    return !here || here->operation_ends();
}

channel_status limited_sleep_operation::await_resume() noexcept {
    if (suspended_) {
        suspended_ = false;
        {
            lock_guard pass(entry_);
        }
        if (worker* const here = current_worker) here->operation_resumed();
        guard_.disarm(waiter_);
    }
    return waiter_.outcome == channel_status::cancelled ? channel_status::cancelled : channel_status::ok;
}

namespace {

// The timer of a channel, owned by it. Under the clock's lock it only makes sure that the channel lives on until the
// value is there; the channel's own lock comes after that.
class channel_timer final : public channel_base::companion, private timer {
public:
    channel_timer(channel_core<time_point>& to, std::chrono::nanoseconds period) noexcept : to_(to), period_(period) {
        node_.target = this;
        node_.wake = [](wakeable& self) noexcept { static_cast<channel_timer*>(self.target)->deliver(); };
        fire = [](timer& self, wake_list& wakes) noexcept {
            channel_timer& here = static_cast<channel_timer&>(self);
            if (here.to_.try_retain()) wakes.commit(here.node_);  // else our destructor is about to stop us
        };
    }
    ~channel_timer() override { stop_timer(*this); }

    void start(time_point first) noexcept { start_timer(*this, first); }

private:
    void deliver() noexcept {
        channel_core<time_point>& to = to_;
        wake_list wakes;
        {
            channel_guard hold(to.guard);
            time_point at = now();
            const channel_status status = to.try_send(at, wakes);  // full: this one is dropped
            if (status != channel_status::closed && period_ > period_.zero()) {
                // A ticker that was stopped has closed the channel, under this lock: its timer comes to rest here.
                const auto late = at - due();
                start_timer(*this, due() + period_ * (late / period_ + 1));
            }
        }
        wakes.wake();
        to.release();  // and with it perhaps us
    }

    channel_core<time_point>& to_;
    const std::chrono::nanoseconds period_;
    wakeable node_;
};

channel<time_point> timed_channel(time_point first, std::chrono::nanoseconds period) {
    channel<time_point> made(1);
    channel_core<time_point>& core = *made.shared();
    auto timer = std::make_unique<channel_timer>(core, period);
    channel_timer& started = *timer;
    core.attached = std::move(timer);
    if (first != time_point::max()) started.start(first);
    return made;
}

}  // namespace

channel<time_point> make_after(time_point due) {
    if (due > now()) return timed_channel(due, {});
    channel<time_point> made(1);
    static_cast<void>(made.try_send(now()));
    return made;
}

}  // namespace detail

ticker::ticker(std::chrono::nanoseconds period, std::source_location where) {
    if (period <= period.zero()) detail::misuse("a ticker's period is above zero", where);
    const time_point start = now();
    ticks_ = detail::timed_channel(period < time_point::max() - start ? start + period : time_point::max(), period);
}

ticker& ticker::operator=(ticker&& other) noexcept {
    if (this != &other) {
        stop();
        ticks_ = std::move(other.ticks_);
    }
    return *this;
}

void ticker::stop() noexcept {
    if (!ticks_) return;
    ticks_.shared()->close();
}

}  // namespace gm
