#include <gristmill/blocking.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <thread>
#include <utility>

#include <gristmill/detail/lock.hpp>

namespace gm::detail {

namespace {

constexpr std::chrono::seconds patience{5};  // of an idle helper

// All helpers of the process. The last that became idle is the first to work again, so that the others can leave. They
// are joined when statics are destroyed; the object itself never is, since a static of the user's may come later.
class helper_crew {
public:
    void start(helper_job& job) {
        join_gone();
        {
            lock_guard hold(guard_);
            if (helper* const idle = idle_) {
                idle_ = idle->below;
                idle->job = &job;
                idle->listed = false;
                idle->bed.unpark();  // it may be gone only after it took the lock
                return;
            }
        }
        static joiner joined_at_exit(*this);
        auto made = std::make_unique<helper>();
        made->job = &job;
        helper* const self = made.get();
        lock_guard hold(guard_);  // the helper cannot be joined before its handle is in place
        made->thread = joined_thread("gm-blocking", [this, self] { run(*self); });
        ++threads_;
        static_cast<void>(made.release());
    }

    std::size_t threads() noexcept {
        lock_guard hold(guard_);
        return threads_;
    }

private:
    struct helper {
        joined_thread thread;
        parker bed;
        helper_job* job = nullptr;  // this and what follows: guarded by the crew's lock
        helper* below = nullptr;    // in the stack of the idle, or of the gone
        bool listed = false;        // idle
    };
    struct joiner {
        explicit joiner(helper_crew& all) noexcept : crew(all) {}
        ~joiner() { crew.close(); }
        helper_crew& crew;
    };

    void run(helper& me) noexcept {
        helper_job* job;
        {
            lock_guard hold(guard_);
            job = std::exchange(me.job, nullptr);
        }
        while (job) {
            job->perform();
            job = next(me);
        }
    }

    // Null: it has left.
    helper_job* next(helper& me) noexcept {
        {
            lock_guard hold(guard_);
            if (closed_) return leave(me);
            me.below = idle_;
            idle_ = &me;
            me.listed = true;
        }
        if (!me.bed.park_until(clock::now() + patience)) {
            {
                lock_guard hold(guard_);
                if (me.listed) {
                    helper** link = &idle_;
                    while (*link != &me) link = &(*link)->below;
                    *link = me.below;
                    return leave(me);
                }
            }
            me.bed.park();  // somebody chose us at the last moment: consume the unpark
        }
        lock_guard hold(guard_);
        if (!me.job) return leave(me);
        return std::exchange(me.job, nullptr);
    }

    // requires: the lock is held. From its release on, somebody may join this thread.
    helper_job* leave(helper& me) noexcept {
        me.listed = false;
        me.below = gone_;
        gone_ = &me;
        --threads_;
        return nullptr;
    }

    void join_gone() noexcept {
        helper* each;
        {
            lock_guard hold(guard_);
            each = std::exchange(gone_, nullptr);
        }
        while (each) delete std::exchange(each, each->below);
    }

    void close() noexcept {
        {
            lock_guard hold(guard_);
            closed_ = true;
            while (helper* const each = std::exchange(idle_, idle_ ? idle_->below : nullptr)) {
                each->listed = false;
                each->bed.unpark();
            }
        }
        while (threads() != 0) std::this_thread::yield();  // each comes by after its call
        join_gone();
    }

    lock guard_;  // protects what follows
    helper* idle_ = nullptr;
    helper* gone_ = nullptr;
    std::size_t threads_ = 0;
    bool closed_ = false;
};

helper_crew& the_crew() noexcept {
    alignas(helper_crew) static unsigned char room[sizeof(helper_crew)];
    static helper_crew* const instance = ::new (room) helper_crew;
    return *instance;
}

}  // namespace

void start_helper(helper_job& job) { the_crew().start(job); }

std::unique_ptr<joined_thread> start_virtual_helper(helper_job& job) {
    return std::make_unique<joined_thread>("gm-blocking", [&job] { job.perform(); });
}

std::size_t helper_threads() noexcept { return the_crew().threads(); }

}  // namespace gm::detail
