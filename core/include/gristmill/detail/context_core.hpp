#pragma once
// What a context is made of, as far as a waiting operation needs to know.

#include <cstddef>
#include <exception>
#include <memory>
#include <stop_token>
#include <type_traits>

#include <gristmill/detail/timer.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

class context_core;

// One task's standing entry in one context's list. It is made at the first wait with that context and stays for the
// next ones: a wait then costs a store and a load here, not a lock. `node` is what the context wakes if it wins `word`,
// which each wait arms anew.
struct context_link {
    wakeable node;
    claim_word word;
    context_core* core = nullptr;  // null: entered nowhere
};

// What else may end a wait, besides what is waited for: see gm::until.
struct limits {
    context_core* context = nullptr;
    time_point deadline = time_point::max();
    bool has_deadline = false;

    bool exist() const noexcept { return context || has_deadline; }
};

// A link from its parts.
static_assert(std::is_standard_layout_v<context_link>);
inline context_link& link_of(wakeable& node) noexcept { return reinterpret_cast<context_link&>(node); }
inline context_link& link_of(claim_word& word) noexcept {
    return *reinterpret_cast<context_link*>(reinterpret_cast<char*>(&word) - offsetof(context_link, word));
}

// A tree: a child holds its parent; a parent knows its living children. Done once, for good.
// No other lock of the library is taken under a context's, but run queues'.
class context_core {
public:
    explicit context_core(context_core* parent) noexcept;
    context_core(const context_core&) = delete;
    context_core& operator=(const context_core&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(this);
    }

    bool done() const noexcept { return done_.load(std::memory_order_seq_cst); }

    // True: this call ended it, and its cause stays. All descendants are cancelled with the same cause.
    bool cancel(const std::exception_ptr& cause) noexcept;
    std::exception_ptr cause() const noexcept;

    // Its own or the nearest ancestor's, whichever is first; max() if there is none.
    time_point deadline() const noexcept { return deadline_; }
    void set_deadline(time_point deadline);  // once, before the context is shared

    // A link of a context that is done stays out of the list: look at done() after entering.
    void enter(context_link& link) noexcept;
    static void leave(context_link& link) noexcept;

    std::stop_source& stop_source();

    // The channel behind done(): made by the first who asks, closed when the context is done.
    struct done_channel {
        virtual void close() noexcept = 0;
        virtual ~done_channel() = default;
    };
    done_channel* made_done_channel() const noexcept;  // null: nobody asked yet
    done_channel& done_channel_or(std::unique_ptr<done_channel> made);

private:
    struct expiry;

    ~context_core();
    static void destroy(context_core* last) noexcept;
    bool try_retain() noexcept;
    // Ends this one only; its children are put on the worklist, each retained.
    bool cancel_alone(const std::exception_ptr& cause, context_core*& worklist) noexcept;
    void join_parent() noexcept;
    void leave_parent() noexcept;

    atomic<std::uint32_t> references_{1};
    atomic<bool> done_{false};
    mutable lock guard_;  // protects what follows
    std::exception_ptr cause_;
    context_core* const parent_;
    context_core* first_child_ = nullptr;
    context_core* next_sibling_ = nullptr;  // the siblings are guarded by the parent's lock
    context_core* prev_sibling_ = nullptr;
    bool in_parent_ = false;
    context_core* next_in_worklist_ = nullptr;  // the canceller's own
    wakeable_queue links_;
    std::unique_ptr<std::stop_source> stop_;
    std::unique_ptr<done_channel> channel_;
    time_point deadline_ = time_point::max();
    std::unique_ptr<expiry> expiry_;
};

// An end must not fail: where there is no memory for its cause, the cause is just that (std::bad_alloc).
template <class E, class... Args>
std::exception_ptr cause_of(Args... args) noexcept {
    try {
        return std::make_exception_ptr(E(args...));
    } catch (...) {
        return std::current_exception();
    }
}

// The link of `task` with `core`, made or moved there if need be.
context_link& link_of(task_header& task, context_core& core);

}  // namespace gm::detail
