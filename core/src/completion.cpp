#include <gristmill/detail/completion.hpp>

#include <utility>

namespace gm::detail {

completion::completion(const limits& until) noexcept : until_(until) {
    if (until_.context) until_.context->retain();
    for (wakeable* const each : {static_cast<wakeable*>(&node_), &link_.node, &alarm_.node}) {
        each->wake = woken;
        each->target = this;
    }
    node_.claim = &link_.word;
    node_.id = served;
    alarm_.owner = this;
    alarm_.fire = [](timer& self, wake_list& wakes) noexcept {
        alarm& here = static_cast<alarm&>(self);
        if (here.owner->link_.word.claim(claim_word::timed_out)) wakes.commit(here.node);
    };
}

completion::~completion() {
    context_core::leave(link_);  // still in there if begin() threw
    if (until_.context) until_.context->release();
}

completion* completion::start(std::unique_ptr<completion> operation) {
    completion* const self = operation.get();
    if (self->waits()) {
        static_cast<void>(operation.release());
        // Until we arrive at the gate nobody takes the operation apart, whoever has claimed it meanwhile.
        if (self->until_.has_deadline) {
            self->alarm_set_ = true;
            start_timer(self->alarm_, self->until_.deadline);
        }
        self->arrive();
    } else {
        static_cast<void>(operation.release());
        run_soon(*self);
    }
    return self;
}

bool completion::waits() {
    node_.outcome = channel_status::cancelled;
    if (until_.context) {
        if (cancelled_before()) return false;
        until_.context->enter(link_);  // before it lines up: who comes after a cancel has returned must not find it
    }
    wake_list wakes;
    const bool waiting = begin(wakes);
    wakes.wake();
    if (!waiting) {
        context_core::leave(link_);
        link_.word.arm();  // nobody else knows of it any more
        link_.word.claim(node_.outcome == channel_status::cancelled ? claim_word::cancelled : served);
    }
    return waiting;
}

bool completion::line_up(waiter_queue* queue) noexcept {
    link_.word.arm();
    const armed how = until_.context ? look_at_context(*until_.context, link_.word, node_) : armed::waiting;
    if (how == armed::waiting && queue) queue->push(node_);
    return how != armed::over;
}

void completion::arrive() noexcept {
    if (gate_.exchange(true, std::memory_order_acq_rel)) conclude();
}

// The claimer has woken us and start() is over. The locks below wait for a loser that is just looking at our word. Whoever
// served us had taken us out of his queue before, and may be gone by now.
void completion::conclude() noexcept {
    if (alarm_set_) stop_timer(alarm_);
    context_core::leave(link_);
    if (!was_served()) leave();
    switch (link_.word.winner()) {
        case claim_word::cancelled: node_.outcome = channel_status::cancelled; break;
        case claim_word::timed_out: node_.outcome = channel_status::timed_out; break;
        case withdrawn:
            forget(channel_status::cancelled);
            release();
            return;
        default: break;  // who served us wrote it
    }
    run_soon(*this);
}

bool completion::cancel() noexcept {
    if (!link_.word.claim(claim_word::cancelled)) return false;
    arrive();
    return true;
}

void completion::withdraw() noexcept {
    if (link_.word.claim(withdrawn)) {
        arrive();
    } else {
        telling now = telling::due;
        if (telling_.compare_exchange_strong(now, telling::never, std::memory_order_acq_rel)) let_go();
    }
    release();
}

void completion::run() noexcept {
    telling now = telling::due;
    if (telling_.compare_exchange_strong(now, telling::begun, std::memory_order_acq_rel))
        tell(node_.outcome);
    else
        forget(node_.outcome);
    release();
}

// Callbacks of one thread run one after the other, never one in another: a chain of them grows no stack, and a callback
// sees the operation that it has just called as finished.
void completion::run_soon(completion& over) noexcept {
    struct list {
        completion* first = nullptr;
        completion* last = nullptr;
        bool running = false;
    };
    static constinit thread_local list mine;
    (mine.first ? mine.last->next_ : mine.first) = &over;
    mine.last = &over;
    if (mine.running) return;
    mine.running = true;
    while (completion* const next = mine.first) {
        mine.first = next->next_;
        next->run();
    }
    mine.running = false;
}

bool channel_completion::begin(wake_list& wakes) {
    if (!channel_) return line_up(nullptr);
    channel_guard hold(channel_->guard);
    if (cancelled_before()) return false;
    node_.outcome = attempt(wakes);
    return node_.outcome == channel_status::would_block && line_up(&queue());
}

void channel_completion::leave() noexcept {
    if (channel_) static_cast<void>(channel_->withdraw(node_, queue()));
}

}  // namespace gm::detail
