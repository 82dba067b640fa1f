#include <gristmill/detail/timer.hpp>

#include <cstdio>
#include <exception>
#include <new>
#include <thread>
#include <utility>

#include <gristmill/detail/os.hpp>

namespace gm::detail {

timer* timer_heap::meld(timer* a, timer* b) noexcept {
    if (!a) return b;
    if (!b) return a;
    if (before(*b, *a)) std::swap(a, b);
    b->prev_ = a;
    b->next_ = a->child_;
    if (b->next_) b->next_->prev_ = b;
    a->child_ = b;
    return a;
}

// Pairs from the left, then one chain from the right: what makes removal O(log n) amortised.
timer* timer_heap::meld_siblings(timer* first) noexcept {
    timer* pairs = nullptr;  // linked by next_, last pair first
    while (first) {
        timer* const a = first;
        timer* const b = a->next_;
        first = b ? b->next_ : nullptr;
        a->next_ = a->prev_ = nullptr;
        if (b) b->next_ = b->prev_ = nullptr;
        timer* const pair = meld(a, b);
        pair->next_ = pairs;
        pairs = pair;
    }
    timer* whole = nullptr;
    while (pairs) {
        timer* const following = pairs->next_;
        pairs->next_ = nullptr;
        whole = meld(whole, pairs);
        pairs = following;
    }
    return whole;
}

void timer_heap::add(timer& entry, time_point due) noexcept {
    entry.due_ = due;
    entry.order_ = added_++;
    entry.child_ = entry.next_ = entry.prev_ = nullptr;
    entry.queued_ = true;
    root_ = meld(root_, &entry);
}

bool timer_heap::remove(timer& entry) noexcept {
    if (!entry.queued_) return false;
    entry.queued_ = false;
    if (&entry == root_) {
        root_ = meld_siblings(entry.child_);
        if (root_) root_->prev_ = nullptr;
        return true;
    }
    (entry.prev_->child_ == &entry ? entry.prev_->child_ : entry.prev_->next_) = entry.next_;
    if (entry.next_) entry.next_->prev_ = entry.prev_;
    timer* const below = meld_siblings(entry.child_);
    root_ = meld(root_, below);
    return true;
}

namespace {

// The process's clock. Its thread starts with the first timer and is joined when statics are destroyed; the object
// itself is never destroyed, since a static of the user's may stop a timer after that.
class real_clock {
public:
    void start(timer& entry, time_point due) noexcept {
        bool first;
        {
            lock_guard hold(guard_);
            heap_.add(entry, due);
            first = heap_.first() == &entry;
            if (!running_ && !stopped_) launch();
        }
        if (first) bed_.unpark();
    }

    bool stop(timer& entry) noexcept {
        lock_guard hold(guard_);
        return heap_.remove(entry);
    }

    void join() noexcept {
        {
            lock_guard hold(guard_);
            stopped_ = true;
        }
        bed_.unpark();
        if (thread_.joinable()) thread_.join();
    }

private:
    void launch() noexcept;

    void run() noexcept {
        os::name_this_thread("gm-clock");
        while (true) {
            time_point next = time_point::max();
            wake_list wakes;
            {
                lock_guard hold(guard_);
                if (stopped_) return;
                const time_point now = clock::now();
                while (timer* const due = heap_.first()) {
                    if (due->due() > now) {
                        next = due->due();
                        break;
                    }
                    heap_.remove(*due);
                    due->fire(*due, wakes);
                }
            }
            wakes.wake();
            if (next == time_point::max())
                bed_.park();
            else
                static_cast<void>(bed_.park_until(next));
        }
    }

    lock guard_;  // protects the next three
    timer_heap heap_;
    bool running_ = false;
    bool stopped_ = false;
    parker bed_;
    std::thread thread_;
};

real_clock& the_clock() noexcept {
    // A raw block: constructed once, never destroyed.
    alignas(real_clock) static unsigned char room[sizeof(real_clock)];
    static real_clock* const instance = [] {
        engine* const world = std::exchange(current_engine, nullptr);  // its bed is in the real world
        real_clock* const made = ::new (room) real_clock;
        current_engine = world;
        return made;
    }();
    return *instance;
}

struct clock_joiner {
    ~clock_joiner() { the_clock().join(); }
};

void real_clock::launch() noexcept {
    static clock_joiner joined_at_exit;
    engine* const world = std::exchange(current_engine, nullptr);
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::exception& why) {  // nothing that waits for its time would ever end
        std::fprintf(stderr, "gristmill: the clock's thread cannot be started: %s; %s\n", why.what(),
                     os::thread_limits().c_str());
        std::terminate();
    }
    current_engine = world;
    running_ = true;
}

}  // namespace

void start_timer(timer& entry, time_point due) noexcept {
    entry.world_ = current_engine;
    if (entry.world_)
        entry.world_->add_timer(entry, due);
    else
        the_clock().start(entry, due);
}

void stop_timer(timer& entry) noexcept {
    if (entry.world_)
        entry.world_->remove_timer(entry);
    else
        static_cast<void>(the_clock().stop(entry));
}

}  // namespace gm::detail
