#include <gristmill/detail/thread_wait.hpp>

namespace gm::detail {

void thread_wait::enter(const limits& until) noexcept {
    link_.node.wake = wake_thread;
    link_.node.target = &bed_;
    until.context->enter(link_);
}

channel_status thread_wait::sleep(const limits& until) noexcept {
    if (until.context && !link_.core) {
        enter(until);
        // A context that was done by then has not seen the link: we stand in for it.
        if (until.context->done() && link_.word.claim(claim_word::cancelled)) bed_.unpark();
    }
    if (!until.has_deadline)
        bed_.park();
    else if (!bed_.park_until(until.deadline) && !link_.word.claim(claim_word::timed_out))
        bed_.park();  // somebody ended it at the last moment: that wake-up is on its way
    context_core::leave(link_);
    switch (link_.word.winner()) {
        case claim_word::cancelled: return channel_status::cancelled;
        case claim_word::timed_out: return channel_status::timed_out;
        default: return outcome;
    }
}

}  // namespace gm::detail
