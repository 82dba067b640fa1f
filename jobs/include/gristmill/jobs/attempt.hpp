#pragma once
// attempt: what a handler sees of the attempt that it is. Valid while the handler runs.
//
//     kinds.add<report_args>("report", [](const report_args& args, gm::jobs::attempt& self) {
//         auto rows = self.step("query", [&] { return query(args); });   // not again after a crash
//         for (std::size_t i = 0; i != rows.size(); ++i) {
//             self.context().check();                                    // cancelled, out of time, stopping, lost
//             self.progress(double(i) / rows.size(), rows[i].name);
//             self.log() << "row " << i;
//         }
//     });

#include <concepts>
#include <functional>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/blocking.hpp>
#include <gristmill/context.hpp>
#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/codec.hpp>
#include <gristmill/jobs/detail/attempt_core.hpp>
#include <gristmill/jobs/verdict.hpp>
#include <gristmill/task.hpp>

namespace gm::jobs {

// Thread safety: any member from any thread while the handler runs; steps one after the other.
class attempt {
public:
    explicit attempt(detail::attempt_core& core) noexcept : core_(core) {}
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;

    job_id id() const noexcept { return core_.job.id; }
    const std::string& kind() const noexcept { return core_.job.kind; }
    const std::string& queue() const noexcept { return core_.job.queue; }
    const std::string& key() const noexcept { return core_.job.key; }
    const std::vector<std::string>& tags() const noexcept { return core_.job.tags; }
    // With the values of its secrets (secrets.hpp).
    const body& arguments() const noexcept { return core_.with_secrets ? *core_.with_secrets : core_.job.arguments; }
    wall_time inserted_at() const noexcept { return core_.job.inserted; }
    int number() const noexcept { return core_.job.attempt; }  // of this one among those that count, from 1
    int crashes() const noexcept { return core_.job.crashes; }

    // Done when the handler is to stop. Its cause is the exception that says why: let it through.
    gm::context context() const { return core_.context(); }
    std::stop_token stop_token() const { return context().stop_token(); }
    jobs::stop_reason stop_reason() const noexcept { return core_.reason(); }
    bool stop_requested() const noexcept { return stop_reason() != jobs::stop_reason::none; }

    // How far it is, 0 to 1, for people to see, with a note of a kilobyte at most. Kept for a moment and written with others': the last one stands.
    void progress(double share, std::string_view note = {}) { core_.set_progress(share, note); }

    // A line (or several) of the attempt's log. Kept for a moment and written with others', at the end at the latest. Who logs
    // faster than the store takes it loses lines; the log says how many bytes.
    void log(std::string_view text) { core_.add_log(text); }
    // The same as a stream: self.log() << "row " << i;
    class line;
    line log();

    // The result that an earlier attempt recorded under this name; or runs f, records what it returned, and gives that. If the
    // store cannot be reached it is tried until the handler is to stop. A lost claim throws lease_lost: let it through.
    template <std::invocable F>
    auto step(std::string_view name, F f) {
        using value = std::invoke_result_t<F&>;
        if (const body* const known = core_.find_step(name)) return recalled<value>(name, *known);
        if constexpr (std::is_void_v<value>) {
            std::invoke(f);
            core_.record_step(name, {});
        } else {
            value made = std::invoke(f);
            core_.record_step(name, to_body(made));
            return made;
        }
    }
    // The same in a coroutine; f may return a task.
    template <std::invocable F>
    auto async_step(std::string name, F f) -> gm::task<detail::unwrapped<std::invoke_result_t<F&>>> {
        using returned = std::invoke_result_t<F&>;
        using value = detail::unwrapped<returned>;
        const body* const known = co_await gm::blocking([&] { return core_.find_step(name); });
        if (known) co_return recalled<value>(name, *known);
        if constexpr (std::is_void_v<value>) {
            if constexpr (std::is_void_v<returned>)
                std::invoke(f);
            else
                co_await std::invoke(f);
            co_await gm::blocking([&] { core_.record_step(name, {}); });
        } else {
            value made = co_await detail::awaited(f);
            co_await gm::blocking([&] { core_.record_step(name, to_body(made)); });
            co_return made;
        }
    }

    // Follow-up jobs, as client::insert; of kinds that this worker knows, too, with its registry. They are there at once, whatever becomes of this attempt: one that is tried again
    // inserts them again, unless they have a unique key or it does it in a step.
    template <encodable Args>
    result<inserted, insert_error> insert(std::string kind, const Args& arguments, insert_options options = {}) {
        return client_for(kind).insert(std::move(kind), arguments, std::move(options));
    }

private:
    jobs::client client_for(const std::string& name) const;
    template <class T>
    static T recalled(std::string_view name, const body& known) {
        if constexpr (!std::is_void_v<T>) {
            auto value = from_body<T>(known, unknown_fields::ignore);
            if (!value) throw_unreadable_step(name, value.error());
            return *std::move(value);
        }
    }
    [[noreturn]] static void throw_unreadable_step(std::string_view name, const field_error& why);

    detail::attempt_core& core_;
};

class attempt::line {
public:
    explicit line(detail::attempt_core& core) : core_(core) {}
    line(const line&) = delete;
    line& operator=(const line&) = delete;
    ~line() { core_.add_log(text_.str()); }
    template <class T>
    line& operator<<(const T& value) {
        text_ << value;
        return *this;
    }

private:
    detail::attempt_core& core_;
    std::ostringstream text_;
};
inline attempt::line attempt::log() { return line(core_); }

}  // namespace gm::jobs
