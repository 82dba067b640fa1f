#pragma once
// job_result<T>: what became of a job. One type for everybody who learns of it: future::get, co_await, streams. It
// says who ran what and when, and holds the value, or the error and the reason why there is no value.

#include <chrono>
#include <compare>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/misuse.hpp>

namespace gm {

// Unique within its pool, ascending in the order of submission; 0: none.
struct job_id {
    std::uint64_t value = 0;
    friend auto operator<=>(const job_id&, const job_id&) = default;
};

enum class job_status : std::uint8_t {
    ok,
    failed,     // the body threw: error() is what it threw
    timed_out,  // ran longer than its timeout; it may still run
    expired,    // waited in the queue longer than its queue_timeout; never ran
    cancelled,  // by its future, its stream or its context, while it was queued; never ran
    dropped,    // pushed out by a newer job (when_full::drop_oldest); never ran
    refused,    // the queue was full (when_full::refuse), or the pool was closed; never ran
    stopped,    // the pool was stopped while it was queued; never ran
};

const char* to_string(job_status status) noexcept;

// What value() throws, and error() holds, when a job has no value and threw nothing itself. It holds no string: it is made
// where memory may have run out.
struct job_not_done : std::exception {
    explicit job_not_done(job_status why) noexcept : status(why) {}
    const char* what() const noexcept override;
    job_status status;
};

namespace detail {

// Points in time as the tick counter had them (0: not taken); a virtual world counts its own nanoseconds.
struct job_stamps {
    std::uint64_t queued = 0;
    std::uint64_t started = 0;
    std::uint64_t finished = 0;
    bool virtual_time = false;
};
std::chrono::nanoseconds between_stamps(const job_stamps& of, std::uint64_t from, std::uint64_t to) noexcept;
std::optional<time_point> time_of_stamp(const job_stamps& of, std::uint64_t stamp) noexcept;

struct job_facts {
    job_id id;
    int worker = -1;
    job_status status = job_status::ok;
    std::uint64_t index = 0;
    job_stamps stamps;
    std::exception_ptr error;
};

template <class T>
struct result_slot {
    std::optional<T> value;
    T& get() noexcept { return *value; }
    void clear() noexcept { value.reset(); }
};
template <class T>
struct result_slot<T&> {
    T* value = nullptr;
    T& get() const noexcept { return *value; }
    void clear() noexcept { value = nullptr; }
};
template <>
struct result_slot<void> {
    void get() const noexcept {}
    void clear() noexcept {}
};

}  // namespace detail

// Thread safety: like any value.
template <class T>
class [[nodiscard]] job_result {
public:
    using value_type = T;

    job_result(detail::job_facts facts, detail::result_slot<T> slot)
        : facts_(std::move(facts)), slot_(std::move(slot)) {}

    // True: it ran to its end, and there is a value.
    explicit operator bool() const noexcept { return facts_.status == job_status::ok; }
    job_status status() const noexcept { return facts_.status; }

    // The value. Without one: throws what the body threw, or job_not_done.
    std::add_lvalue_reference_t<T> value() & {
        check();
        return slot_.get();
    }
    T value() && {
        check();
        if constexpr (std::is_void_v<T> || std::is_reference_v<T>)
            return slot_.get();
        else
            return std::move(slot_.get());
    }

    // Null if the job ended well.
    const std::exception_ptr& error() const noexcept { return facts_.error; }

    job_id id() const noexcept { return facts_.id; }
    // Of its element, from 0, in a stream; 0 otherwise.
    std::uint64_t index() const noexcept { return facts_.index; }
    // From 0, as the thread's name has it. -1: it ran in its caller, as a coroutine, or not at all.
    int worker() const noexcept { return facts_.worker; }

    // Times; none if the pool takes none (job_times::none), or the job never came that far. The counter is turned into
    // the clock's time when asked: the older the stamp, the less exact (about 0.1 ms a second on some machines).
    std::optional<time_point> queued_at() const noexcept { return at(facts_.stamps.queued); }
    std::optional<time_point> started_at() const noexcept { return at(facts_.stamps.started); }
    std::optional<time_point> finished_at() const noexcept { return at(facts_.stamps.finished); }
    // In the queue, and in the worker's hands; zero if not known.
    std::chrono::nanoseconds waited() const noexcept {
        return detail::between_stamps(facts_.stamps, facts_.stamps.queued,
                                      facts_.stamps.started ? facts_.stamps.started : facts_.stamps.finished);
    }
    std::chrono::nanoseconds ran() const noexcept {
        return detail::between_stamps(facts_.stamps, facts_.stamps.started, facts_.stamps.finished);
    }

private:
    void check() const {
        if (facts_.status != job_status::ok) std::rethrow_exception(facts_.error);
    }
    std::optional<time_point> at(std::uint64_t stamp) const noexcept {
        return detail::time_of_stamp(facts_.stamps, stamp);
    }

    detail::job_facts facts_;
    [[no_unique_address]] detail::result_slot<T> slot_;
};

}  // namespace gm
