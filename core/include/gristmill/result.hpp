#pragma once
// result<T, E>: a value or the reason why there is none, shaped like std::expected, which C++20 lacks.

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <gristmill/detail/misuse.hpp>

namespace gm {

// Wraps the reason on its way into a result: `return gm::failure(channel_status::closed);`
template <class E>
struct failure {
    E error;
    explicit constexpr failure(E reason) noexcept(std::is_nothrow_move_constructible_v<E>) : error(std::move(reason)) {}
};

template <class T, class E>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = E;

    template <class U = T>
        requires(std::constructible_from<T, U> && !std::same_as<std::remove_cvref_t<U>, result>)
    constexpr explicit(!std::convertible_to<U, T>) result(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>)
        : has_value_(true) {
        std::construct_at(std::addressof(value_), std::forward<U>(value));
    }
    constexpr result(failure<E> why) noexcept(std::is_nothrow_move_constructible_v<E>) : has_value_(false) {
        std::construct_at(std::addressof(error_), std::move(why.error));
    }
    constexpr result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T> &&
                                              std::is_nothrow_move_constructible_v<E>)
        : has_value_(other.has_value_) {
        if (has_value_)
            std::construct_at(std::addressof(value_), std::move(other.value_));
        else
            std::construct_at(std::addressof(error_), std::move(other.error_));
    }
    constexpr result(const result& other)
        requires(std::copy_constructible<T> && std::copy_constructible<E>)
        : has_value_(other.has_value_) {
        if (has_value_)
            std::construct_at(std::addressof(value_), other.value_);
        else
            std::construct_at(std::addressof(error_), other.error_);
    }
    // A throw while the new content is built leaves the old one in place.
    constexpr result& operator=(result other) noexcept(std::is_nothrow_move_constructible_v<T> &&
                                                       std::is_nothrow_move_constructible_v<E>)
        requires(std::is_nothrow_move_constructible_v<E> &&
                 (std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>))
    {
        if (other.has_value_ && !std::is_nothrow_move_constructible_v<T>) {
            take_value(other);
            return *this;
        }
        destroy();
        has_value_ = other.has_value_;
        if (has_value_)
            std::construct_at(std::addressof(value_), std::move(other.value_));
        else
            std::construct_at(std::addressof(error_), std::move(other.error_));
        return *this;
    }
    constexpr ~result() { destroy(); }

    constexpr bool has_value() const noexcept { return has_value_; }
    constexpr explicit operator bool() const noexcept { return has_value_; }

    // requires: has_value().
    constexpr T& operator*() & noexcept { return value_; }
    constexpr const T& operator*() const& noexcept { return value_; }
    constexpr T&& operator*() && noexcept { return std::move(value_); }
    constexpr T* operator->() noexcept { return std::addressof(value_); }
    constexpr const T* operator->() const noexcept { return std::addressof(value_); }

    // Misuse if there is none.
    constexpr T& value(std::source_location where = std::source_location::current()) & {
        if (!has_value_) detail::misuse("value() of a result that holds an error", where);
        return value_;
    }
    constexpr T&& value(std::source_location where = std::source_location::current()) && {
        return std::move(value(where));
    }
    template <class U>
    constexpr T value_or(U&& other) && {
        return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
    }

    // requires: !has_value().
    constexpr const E& error() const& noexcept { return error_; }
    constexpr E&& error() && noexcept { return std::move(error_); }

    constexpr std::optional<T> to_optional() && {
        return has_value_ ? std::optional<T>(std::move(value_)) : std::nullopt;
    }

private:
    // A value whose move may throw.
    constexpr void take_value(result& other) {
        if constexpr (!std::is_nothrow_move_constructible_v<T>) {
            if (has_value_) {
                value_ = std::move(other.value_);
                return;
            }
            E old = std::move(error_);
            std::destroy_at(std::addressof(error_));
            try {
                std::construct_at(std::addressof(value_), std::move(other.value_));
                has_value_ = true;
            } catch (...) {
                std::construct_at(std::addressof(error_), std::move(old));
                throw;
            }
        }
    }
    constexpr void destroy() noexcept {
        if (has_value_)
            std::destroy_at(std::addressof(value_));
        else
            std::destroy_at(std::addressof(error_));
    }

    union {
        T value_;
        E error_;
    };
    bool has_value_;
};

}  // namespace gm
