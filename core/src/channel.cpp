#include <gristmill/channel.hpp>

#include <algorithm>
#include <utility>

#include <gristmill/detail/thread_wait.hpp>
#include <gristmill/detail/wait_guard.hpp>

namespace gm {

const char* to_string(channel_status status) noexcept {
    switch (status) {
        case channel_status::ok: return "ok";
        case channel_status::closed: return "closed";
        case channel_status::would_block: return "would block";
        case channel_status::timed_out: return "timed out";
        case channel_status::cancelled: return "cancelled";
    }
    return "unknown";
}

namespace detail {

bool channel_base::close() noexcept {
    wake_list wakes;
    {
        channel_guard hold(guard);
        if (closed_) return false;
        closed_ = true;
        for (waiter_queue* const queue : {&receivers, &senders})
            while (waiter* const each = queue->pop_closed()) {
                each->outcome = channel_status::closed;
                wakes.commit(*each);
            }
    }
    wakes.wake();
    return true;
}

const bool channel_base::several_cpus = os::usable_cpus() > 1;

namespace {

// Between two threads that both run, most waits are over sooner than going to sleep and being woken would be. The pauses
// between two looks double up to `longest`: each look takes a line from those who use it.
template <class Ready>
void spin_until(Ready ready, std::uint32_t longest) noexcept {
    static const auto limit = static_cast<std::uint64_t>(2000 / os::nanoseconds_per_tick());
    std::uint32_t pause = 1;
    for (const std::uint64_t start = os::ticks(); !ready() && os::ticks() - start < limit;) {
        for (std::uint32_t turn = 0; turn != pause; ++turn) os::relax();
        pause = std::min(pause * 2, longest);
    }
}

}  // namespace

void channel_base::linger_for(const waiter_queue& queue) const noexcept {
    if (current_engine) return schedule_point();
    const std::uint32_t longest = std::min<std::uint32_t>(capacity_, 32);  // a single place is wanted at once
    if (&queue == &receivers)
        spin_until([this] { return count_ != 0; }, longest);
    else
        spin_until([this] { return count_ < capacity_; }, longest);
}

channel_status channel_base::wait_here(void* slot, waiter_queue& queue, const limits& until, std::source_location where,
                                       channel_lock::entry held) noexcept {
    thread_wait self;
    self.slot = slot;
    static_cast<void>(self.arm(until));  // there is no context
    return wait_as(self, queue, until, where, held);
}

channel_status channel_base::wait_as(thread_wait& self, waiter_queue& queue, const limits& until,
                                     std::source_location where, channel_lock::entry held) noexcept {
    if (current_worker) {
        guard.release(held);
        misuse("a blocking wait on a thread of a scheduler: co_await the async_ form, or use gm::blocking", where);
    }
    if (current_engine) [[unlikely]]
        current_engine->waits(nullptr, &queue == &senders ? "sends to a channel" : "receives from a channel", this,
                              where);
    queue.push(self);
    guard.release(held);
    if (capacity_ <= 1 && several_cpus && !current_engine) spin_until([&] { return self.woken_already(); }, 1);
    const channel_status status = self.sleep(until);
    if (status == channel_status::cancelled || status == channel_status::timed_out)
        static_cast<void>(withdraw(self, queue));
    return status;
}

context_link& context_guard::foreign_link(const waiter& who, context_core& core) {
    auto* const link = new context_link;
    link->node.wake = who.wake;
    link->node.target = who.target;
    core.enter(*link);
    return *link;
}

void limits_guard::enter() noexcept { until_.context->enter(link_); }

armed limits_guard::arm(waiter& who) noexcept {
    if (until_.has_deadline && until_.deadline <= now()) {
        who.outcome = channel_status::timed_out;
        return armed::over;
    }
    link_.word.arm();
    if (until_.context)
        if (const armed state = look_at_context(*until_.context, link_.word, who); state != armed::waiting)
            return state;
    if (until_.has_deadline) {
        alarm_.fire = [](timer& self, wake_list& wakes) noexcept {
            alarm& here = static_cast<alarm&>(self);
            if (here.word->claim(claim_word::timed_out)) wakes.commit(here.node);
        };
        started_ = true;
        start_timer(alarm_, until_.deadline);
    }
    return armed::waiting;
}

bool limits_guard::ended_the_wait(const waiter&) const noexcept {
    const std::uint32_t winner = link_.word.winner();
    return winner == claim_word::cancelled || winner == claim_word::timed_out;
}

bool limits_guard::disarm(waiter& who) noexcept {
    if (std::exchange(started_, false)) stop_timer(alarm_);
    context_core::leave(link_);
    switch (link_.word.winner()) {
        case claim_word::cancelled: who.outcome = channel_status::cancelled; return true;
        case claim_word::timed_out: who.outcome = channel_status::timed_out; return true;
        default: return false;
    }
}

}  // namespace detail
}  // namespace gm
