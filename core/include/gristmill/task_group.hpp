#pragma once
// task_group: work that belongs to a scope. What is started in it has ended when wait() returns; the first error
// cancels the group's context and is rethrown there; what had not started by then is not started.
//
//   gm::task_group group(ctx);                        // in a coroutine: on its scheduler
//   for (auto& url : urls) group.go(fetch(url, group.ctx()));
//   co_await group.async_wait();
//
//   gm::task_group group;                             // on a thread: plain functions, each on a thread of its own
//   group.limit(4);                                   // at most four at once
//   for (auto& file : files) group.go([&] { resize(file); });
//   group.wait();

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/context.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/misuse.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/task.hpp>
#include <gristmill/wait_group.hpp>

namespace gm {

namespace detail {

// What is shared by a group and its members; it lives as long as any of them.
class group_core : public std::enable_shared_from_this<group_core> {
public:
    group_core(scheduler_core* on, const context& parent, std::source_location where)
        : home(on), ends(parent), members(where) {}

    // A member of the group: counted from go() until it has ended or was dropped, in whatever way.
    class membership {
    public:
        explicit membership(std::shared_ptr<group_core> group) noexcept : group_(std::move(group)) {
            group_->members.add();
        }
        membership(membership&&) noexcept = default;
        membership& operator=(membership&&) = delete;
        ~membership() {
            if (group_) group_->leave(*this);
        }
        bool runs = false;      // it counts towards the limit
        bool finished = false;  // it came to its end

    private:
        friend class group_core;
        std::shared_ptr<group_core> group_;
    };

    struct runnable {
        virtual ~runnable() = default;
        virtual void run(const context& ctx) = 0;
    };
    struct entry {
        membership member;
        task<> work;                     // or
        std::unique_ptr<runnable> body;  // on a thread
    };

    // Starts it, or keeps it until there is room. Throws what starting a thread throws.
    void add(task<> work, std::unique_ptr<runnable> body);
    void fail(std::exception_ptr error) noexcept;
    void leave(membership& member) noexcept;
    void set_limit(std::size_t most) noexcept;
    void rethrow() const;
    count_place& place() noexcept { return members.place(); }
    void join_threads() noexcept { members.join_all(); }

    scheduler_core* const home;  // null: none, functions only
    context_source ends;
    wait_group members;

    mutable lock guard;  // protects what follows
    std::exception_ptr error;
    std::size_t running = 0;
    std::size_t most = static_cast<std::size_t>(-1);
    std::list<entry> pending;
    bool starting = false;  // somebody is at start_pending()

private:
    // A member's place in its frame. It is moved once, from the call into the frame: one that could not be made was no
    // member yet, and only what is in a frame counts as failed if it is destroyed unfinished.
    struct seat {
        explicit seat(membership&& of) noexcept : member(std::move(of)) {}
        seat(seat&& call) noexcept : member(std::move(call.member)) { member.finished = false; }
        membership member;
    };

    void start(entry next);
    void run_here(entry& first) noexcept;
    void start_pending() noexcept;
    bool take_pending(std::list<entry>& taken) noexcept;
    static task<> run_task(seat self, task<> work);
};

// Waits for the members and rethrows.
class [[nodiscard("co_await it")]] group_wait : public place_operation<count_place, no_guard> {
public:
    group_wait(group_core& group, count_place& place, std::source_location where) noexcept
        : place_operation<count_place, no_guard>(place, 0, {}, where), group_(group) {}
    void await_resume() {
        finish();
        group_.rethrow();
    }

private:
    group_core& group_;
};

template <class Guard>
class [[nodiscard("co_await it")]] limited_group_wait : public place_operation<count_place, Guard> {
public:
    limited_group_wait(group_core& group, count_place& place, const Guard& guard, std::source_location where) noexcept
        : place_operation<count_place, Guard>(place, 0, guard, where), group_(group) {}
    [[nodiscard]] channel_status await_resume() {
        const channel_status status = this->finish();
        if (status == channel_status::ok) group_.rethrow();
        return status;
    }

private:
    group_core& group_;
};

template <class F>
concept group_body = std::invocable<F&> || std::invocable<F&, const context&>;

template <class F>
decltype(auto) call_body(F& body, const context& ctx) {
    if constexpr (std::invocable<F&, const context&>)
        return std::invoke(body, ctx);
    else
        return std::invoke(body);
}

// Keeps a coroutine's lambda, and with it the captures, until the coroutine has ended.
template <class F>
task<> keep_and_call(F body, context ctx) {
    static_cast<void>(co_await call_body(body, ctx));
}

}  // namespace detail

// Thread safety: go(), cancel() and limit() from any thread, its members included; wait() by one at a time.
class task_group {
public:
    // Tasks run on the scheduler of the coroutine that makes the group; made by another thread, it takes no tasks.
    explicit task_group(const context& parent = {}, std::source_location where = std::source_location::current());
    // Tasks run on `on`, which must outlive the group.
    explicit task_group(scheduler& on, const context& parent = {},
                        std::source_location where = std::source_location::current());
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // A group that was not waited for is cancelled, waited for and its error dropped. A coroutine cannot wait in a
    // destructor: there, members that still run are misuse (they may use what the scope is about to destroy). run_group()
    // does it right also when an exception leaves the scope.
    ~task_group();

    // Starts a task, or keeps it until the limit allows it. Once the group's context is done, nothing is started any
    // more: `work` is destroyed. A task without a scheduler is misuse. A task that its scheduler destroyed at shutdown
    // counts as failed, with gm::cancelled.
    void go(task<> work, std::source_location where = std::source_location::current());

    // A function: on a thread of its own. One that makes a gm::task: the task is started, and the function (a lambda
    // with its captures, say) is kept until it has ended. It may take the group's context. Never blocks; throws
    // std::system_error, naming the limits, when the system refuses a thread, and then nothing was added. (When it refuses
    // one that waited for the limit, the group fails with that.) An empty std::function: misuse.
    template <detail::group_body F>
    void go(F body, std::source_location where = std::source_location::current()) {
        using outcome = decltype(detail::call_body(body, std::declval<const context&>()));
        if (detail::is_empty_function(body)) detail::misuse("a task_group was given an empty function", where);
        if constexpr (detail::is_task<outcome>) {
            go(detail::keep_and_call(std::move(body), ctx()), where);
        } else {
            struct holder final : detail::group_core::runnable {
                explicit holder(F&& what) : body(std::move(what)) {}
                void run(const context& ctx) override { static_cast<void>(detail::call_body(body, ctx)); }
                F body;
            };
            core_->add({}, std::make_unique<holder>(std::move(body)));
        }
    }

    // At most `most` members run at once; the others wait, in the order of go(). Raised: as many more start now. Lowered: what
    // runs goes on, and nothing starts until fewer than `most` run. 0: misuse.
    void limit(std::size_t most, std::source_location where = std::source_location::current());

    // What the members should wait with. Done when the parent is, after the first error, or by cancel().
    const context& ctx() const noexcept { return core_->ends; }
    void cancel() const noexcept { core_->ends.cancel(); }

    // Waits until every member has ended, then rethrows the first error. Afterwards the group may be used again, unless
    // its context is done. With a limit: ok, or timed_out or cancelled, and then the members still run.
    void wait(std::source_location where = std::source_location::current());
    [[nodiscard]] channel_status wait(const until& limit, std::source_location where = std::source_location::current());
    auto async_wait(std::source_location where = std::source_location::current()) noexcept {
        return detail::group_wait(*core_, core_->place(), where);
    }
    auto async_wait(const detail::context_handle auto& ctx,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_group_wait(*core_, core_->place(), detail::guarded_by(ctx), where);
    }
    auto async_wait(const until& limit, std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_group_wait(*core_, core_->place(), detail::limits_guard(limit.limits()), where);
    }

private:
    std::shared_ptr<detail::group_core> core_;
    std::source_location where_;
};

// `co_await gm::run_group(ctx, [&](gm::task_group& g) -> gm::task<> { … })`: runs the body with a group and ends only
// when its members have; an error of the body cancels them and is rethrown, else the first of theirs.
template <class F>
    requires std::is_same_v<std::invoke_result_t<F&, task_group&>, task<>>
task<> run_group(context parent, F body, std::source_location where = std::source_location::current()) {
    task_group group(parent, where);
    std::exception_ptr error;
    try {
        co_await std::invoke(body, group);
    } catch (...) {
        error = std::current_exception();
        group.cancel();
    }
    try {
        co_await group.async_wait(where);
    } catch (...) {
        if (!error) error = std::current_exception();
    }
    if (error) std::rethrow_exception(error);
}

}  // namespace gm
