#pragma once
// registry: which kinds of jobs there are, and what runs them.
//
//     gm::jobs::registry kinds;
//     kinds.add<resize_args>("image.resize", [](const resize_args& args, gm::jobs::attempt& self) {
//         …
//         return resize_result{…};
//     }, {.timeout = 30s, .retry = {.attempts = 5}});
//
// A handler is h(Args) or h(Args, attempt&): a function or a lambda, also one that can only be moved; it may return
// gm::task<R>, and is then one of many on a few threads. It is called by several workers at once. Args is read by its
// fields; json and body take what there is. R is void, a body, a json, or anything with fields: the job's result.
//
// Arguments that Args cannot read are refused at insert, if the client knows the registry; at run the job is dead at once.

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gristmill/jobs/attempt.hpp>
#include <gristmill/jobs/codec.hpp>
#include <gristmill/jobs/record.hpp>
#include <gristmill/jobs/secrets.hpp>
#include <gristmill/jobs/verdict.hpp>
#include <gristmill/task.hpp>

namespace gm::jobs {

struct kind_options {
    std::chrono::microseconds timeout{};  // of an attempt, if its job says nothing else; 0: none
    retry_policy retry{};                 // if its job says nothing else
    std::string queue = "default";        // where a client that knows the registry inserts it
    // At run: members of the arguments that no field is named after. At insert they are refused.
    unknown_fields others = unknown_fields::ignore;
};

// A kind, without the types of its handler.
class kind {
public:
    kind(std::string its_name, kind_options with, bool is_coroutine)
        : name(std::move(its_name)), options(std::move(with)), coroutine(is_coroutine) {}
    kind(const kind&) = delete;
    kind& operator=(const kind&) = delete;
    virtual ~kind() = default;

    virtual body run(attempt& self) = 0;                  // requires: !coroutine
    virtual task<body> run_coroutine(attempt& self) = 0;  // requires: coroutine
    virtual std::optional<field_error> fault_of(const body& arguments) const = 0;

    const std::string name;
    const kind_options options;
    const bool coroutine;
};

namespace detail {

template <class F, class Args>
concept takes_attempt = std::invocable<F&, Args, attempt&>;

template <class F, class Args>
struct handler_result {
    using type = std::invoke_result_t<F&, Args>;
};
template <class F, class Args>
    requires takes_attempt<F, Args>
struct handler_result<F, Args> {
    using type = std::invoke_result_t<F&, Args, attempt&>;
};

// Thrown as give_up is: nobody can run a job with such arguments.
[[noreturn]] void throw_unreadable_arguments(const field_error& why);

template <class Args, class F>
class typed_kind final : public kind {
    using returned = std::remove_cvref_t<typename handler_result<F, Args>::type>;
    using value = unwrapped<returned>;
    static constexpr bool is_coroutine = gm::detail::is_task<returned>;
    static_assert(std::is_void_v<value> || encodable<value>,
                  "a handler returns void, a body, a json, or what has fields (gristmill/jobs/fields.hpp)");

public:
    typed_kind(std::string its_name, F handler, kind_options with)
        : kind(std::move(its_name), std::move(with), is_coroutine), handler_(std::move(handler)) {}

    body run(attempt& self) override {
        if constexpr (is_coroutine) {
            return {};
        } else if constexpr (std::is_void_v<value>) {
            call(arguments_of(self), self);
            return {};
        } else {
            return to_body<value>(call(arguments_of(self), self));
        }
    }

    task<body> run_coroutine(attempt& self) override {
        if constexpr (!is_coroutine) {
            co_return body{};
        } else {
            Args arguments = arguments_of(self);  // lives here: a handler may take it by reference
            if constexpr (std::is_void_v<value>) {
                co_await call(std::move(arguments), self);
                co_return body{};
            } else {
                const value made = co_await call(std::move(arguments), self);
                co_return to_body<value>(made);
            }
        }
    }

    std::optional<field_error> fault_of(const body& arguments) const override {
        auto read = from_body<Args>(with_names_of_secrets(arguments), unknown_fields::refuse);
        if (read) return std::nullopt;
        return std::move(read).error();
    }

private:
    Args arguments_of(const attempt& self) const {
        auto read = from_body<Args>(self.arguments(), options.others);
        if (!read) throw_unreadable_arguments(read.error());
        return *std::move(read);
    }
    decltype(auto) call(Args&& arguments, attempt& self) {
        if constexpr (takes_attempt<F, Args>)
            return std::invoke(handler_, std::forward<Args>(arguments), self);
        else
            return std::invoke(handler_, std::forward<Args>(arguments));
    }

    F handler_;
};

}  // namespace detail

template <class F, class Args>
concept handler_of = std::invocable<F&, Args> || detail::takes_attempt<F, Args>;

// Thread safety: filled by one thread, before it is used; from then on it is only read, from any.
class registry {
public:
    // A name that is taken or no name, an empty function, a policy that makes no sense: misuse.
    template <encodable Args = body, class F>
        requires handler_of<std::decay_t<F>, Args>
    void add(std::string name, F&& handler, kind_options options = {},
             std::source_location where = std::source_location::current()) {
        if (gm::detail::is_empty_function(handler)) gm::detail::misuse("a kind without a handler", where);
        keep(std::make_unique<detail::typed_kind<Args, std::decay_t<F>>>(std::move(name), std::forward<F>(handler),
                                                                         std::move(options)),
             where);
    }

    // Null: there is no such kind.
    kind* find(std::string_view name) const noexcept;
    std::vector<std::string> names() const;  // sorted
    bool has_functions() const noexcept { return functions_; }
    bool has_coroutines() const noexcept { return coroutines_; }

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>()(name); }
    };
    void keep(std::unique_ptr<kind> which, std::source_location where);

    std::unordered_map<std::string_view, std::unique_ptr<kind>, hash, std::equal_to<>> kinds_;  // by their own names
    bool functions_ = false, coroutines_ = false;
};

}  // namespace gm::jobs
