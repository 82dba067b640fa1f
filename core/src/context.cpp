#include <gristmill/context.hpp>

#include <utility>

#include <gristmill/channel.hpp>

namespace gm {
namespace detail {

// A context's own deadline. It cancels under no lock: the clock's thread only claims the duty, by way of a thread-less
// waiter, and does it when it wakes that one.
struct context_core::expiry : timer {
    explicit expiry(context_core& owner) noexcept : core(owner) {
        node.target = this;
        node.wake = [](wakeable& self) noexcept {
            context_core& ended = static_cast<expiry*>(self.target)->core;
            ended.cancel(cause_of<deadline_exceeded>());
            ended.release();
        };
        fire = [](timer& self, wake_list& wakes) noexcept {
            expiry& here = static_cast<expiry&>(self);
            if (here.core.try_retain()) wakes.commit(here.node);
        };
    }
    context_core& core;
    wakeable node;
};

context_core::context_core(context_core* parent) noexcept : parent_(parent) {
    if (!parent_) return;
    parent_->retain();
    deadline_ = parent_->deadline_;
    join_parent();
}

context_core::~context_core() {
    if (expiry_) stop_timer(*expiry_);
    if (parent_) leave_parent();
}

// With those above that only it kept alive: not recursion, a tree may be deep.
void context_core::destroy(context_core* last) noexcept {
    while (last) {
        context_core* const parent = last->parent_;
        delete last;
        last = parent && parent->references_.fetch_sub(1, std::memory_order_acq_rel) == 1 ? parent : nullptr;
    }
}

bool context_core::try_retain() noexcept {
    std::uint32_t now = references_.load(std::memory_order_relaxed);
    while (now != 0)
        if (references_.compare_exchange_strong(now, now + 1, std::memory_order_acquire, std::memory_order_relaxed))
            return true;
    return false;
}

void context_core::join_parent() noexcept {
    std::exception_ptr cause;
    {
        lock_guard hold(parent_->guard_);
        if (!parent_->done_.load(std::memory_order_relaxed)) {
            next_sibling_ = parent_->first_child_;
            if (next_sibling_) next_sibling_->prev_sibling_ = this;
            parent_->first_child_ = this;
            in_parent_ = true;
            return;
        }
        cause = parent_->cause_;
    }
    cancel(cause);
}

void context_core::leave_parent() noexcept {
    lock_guard hold(parent_->guard_);
    if (!in_parent_) return;
    (prev_sibling_ ? prev_sibling_->next_sibling_ : parent_->first_child_) = next_sibling_;
    if (next_sibling_) next_sibling_->prev_sibling_ = prev_sibling_;
    in_parent_ = false;
}

bool context_core::cancel(const std::exception_ptr& cause) noexcept {
    context_core* worklist = nullptr;
    if (!cancel_alone(cause, worklist)) return false;
    while (context_core* const child = worklist) {  // not recursion: a tree may be deep
        worklist = child->next_in_worklist_;
        child->cancel_alone(cause, worklist);
        child->release();
    }
    return true;
}

bool context_core::cancel_alone(const std::exception_ptr& cause, context_core*& worklist) noexcept {
    wake_list wakes;
    std::stop_source* stop = nullptr;
    done_channel* channel = nullptr;
    {
        lock_guard hold(guard_);
        if (done_.load(std::memory_order_relaxed)) return false;
        cause_ = cause;
        done_.store(true, std::memory_order_seq_cst);  // before the words are read: see look_at_context()
        while (wakeable* const each = links_.pop())
            if (link_of(*each).word.claim(claim_word::cancelled)) wakes.commit(*each);
        while (context_core* const child = first_child_) {
            first_child_ = child->next_sibling_;
            if (first_child_) first_child_->prev_sibling_ = nullptr;
            child->in_parent_ = false;
            if (child->try_retain()) {
                child->next_in_worklist_ = worklist;
                worklist = child;
            }
        }
        stop = stop_.get();  // both live as long as we do
        channel = channel_.get();
    }
    wakes.wake();
    if (channel) channel->close();
    if (stop) stop->request_stop();
    return true;
}

std::exception_ptr context_core::cause() const noexcept {
    lock_guard hold(guard_);
    return cause_;
}

void context_core::set_deadline(time_point deadline) {
    if (deadline >= deadline_) return;
    deadline_ = deadline;
    if (deadline <= now()) {
        cancel(cause_of<deadline_exceeded>());
        return;
    }
    expiry_ = std::make_unique<expiry>(*this);
    start_timer(*expiry_, deadline);
}

void context_core::enter(context_link& link) noexcept {
    link.core = this;
    retain();
    lock_guard hold(guard_);
    if (!done_.load(std::memory_order_relaxed)) links_.push(link.node);
}

void context_core::leave(context_link& link) noexcept {
    context_core* const core = std::exchange(link.core, nullptr);
    if (!core) return;
    {
        lock_guard hold(core->guard_);
        if (link.node.linked) core->links_.remove(link.node);
    }
    core->release();
}

std::stop_source& context_core::stop_source() {
    std::unique_ptr<std::stop_source> fresh = std::make_unique<std::stop_source>();
    bool ended;
    std::stop_source* chosen;
    {
        lock_guard hold(guard_);
        if (!stop_) stop_ = std::move(fresh);
        chosen = stop_.get();
        ended = done_.load(std::memory_order_relaxed);
    }
    if (ended) chosen->request_stop();
    return *chosen;
}

context_core::done_channel* context_core::made_done_channel() const noexcept {
    lock_guard hold(guard_);
    return channel_.get();
}

context_core::done_channel& context_core::done_channel_or(std::unique_ptr<done_channel> made) {
    bool ended;
    done_channel* chosen;
    {
        lock_guard hold(guard_);
        if (!channel_) channel_ = std::move(made);
        chosen = channel_.get();
        ended = done_.load(std::memory_order_relaxed);
    }
    if (ended) chosen->close();
    return *chosen;
}

context_link& link_of(task_header& task, context_core& core) {
    if (!task.link) {
        task.link = new context_link;
        task.link->node.target = &task;
    }
    context_link& link = *task.link;
    if (link.core != &core) {
        context_core::leave(link);
        core.enter(link);
    }
    return link;
}

void release_context_link(context_link* link) noexcept {
    context_core::leave(*link);
    delete link;
}

}  // namespace detail

namespace {

struct closable : detail::context_core::done_channel {
    channel<nothing> ends{0};
    void close() noexcept override { static_cast<void>(ends.close()); }
};

}  // namespace

receiver<nothing> context::done() const {
    if (!core_) return receiver<nothing>();  // nil: waits for ever
    detail::context_core::done_channel* made = core_->made_done_channel();
    if (!made) made = &core_->done_channel_or(std::make_unique<closable>());
    return static_cast<closable*>(made)->ends;
}

std::stop_token context::stop_token() const { return core_ ? core_->stop_source().get_token() : std::stop_token(); }

context_source::handle::handle(const context& parent) : context(new detail::context_core(parent.core())) {}

context_source::context_source(const context& parent) : context_(parent) {}

context_source::context_source(const context& parent, time_point deadline) : context_(parent) {
    context_.core()->set_deadline(deadline);
}

context_source::context_source(const context& parent, std::chrono::nanoseconds timeout)
    : context_source(parent, timeout >= time_point::max() - now() ? time_point::max() : now() + timeout) {}

context_source::context_source(std::stop_token token, const context& parent) : context_(parent) {
    bridge_ = std::make_unique<std::stop_callback<cancel_on_stop>>(std::move(token), cancel_on_stop{context_.core()});
}

context_source::~context_source() {
    bridge_.reset();
    if (context_.core()) cancel();
}

void context_source::cancel_on_stop::operator()() const noexcept {
    core->cancel(detail::cause_of<cancelled>("stop requested"));
}

bool context_source::cancel() const noexcept { return cancel(detail::cause_of<cancelled>()); }

bool context_source::cancel(std::exception_ptr cause) const noexcept {
    return context_.core()->cancel(cause ? cause : detail::cause_of<cancelled>());
}

}  // namespace gm
