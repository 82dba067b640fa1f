#include <gristmill/detail/wait_place.hpp>

#include <gristmill/detail/misuse.hpp>

namespace gm::detail {

channel_status wait_place::wait_here(waiter& who, context_link& link, const limits& until, const char* what,
                                     std::source_location where) noexcept {
    if (current_worker) {
        guard.release();
        misuse("a blocking wait on a thread of a scheduler: co_await the async_ form, or use gm::blocking", where);
    }
    if (current_engine) current_engine->waits(nullptr, what, this, where);
    parker bed;
    who.wake = wake_thread;
    who.target = &bed;
    if (!until.context && !until.has_deadline) {
        guard.release();
        bed.park();
        return who.outcome;
    }

    who.claim = &link.word;
    who.id = channel_won;
    link.word.arm();
    guard.release();
    if (until.context) {
        link.node.wake = wake_thread;
        link.node.target = &bed;
        until.context->enter(link);
        if (until.context->done() && link.word.claim(claim_word::cancelled)) bed.unpark();
    }
    if (!until.has_deadline)
        bed.park();
    else if (!bed.park_until(until.deadline) && !link.word.claim(claim_word::timed_out))
        bed.park();  // somebody fired it at the last moment: its outcome is on the way
    context_core::leave(link);
    switch (link.word.winner()) {
        case claim_word::cancelled: return channel_status::cancelled;
        case claim_word::timed_out: return channel_status::timed_out;
        default: return who.outcome;
    }
}

}  // namespace gm::detail
