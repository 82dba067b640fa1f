#pragma once
// A struct to and from JSON, by naming its fields once:
//
//     struct resize_args {
//         std::string path;
//         int width = 800;
//         std::optional<std::string> format;
//         static constexpr auto fields = gm::jobs::fields("path", &resize_args::path, "width", &resize_args::width,
//                                                         "format", &resize_args::format);
//     };
//     auto args = gm::jobs::decode<resize_args>(value);   // args.error(): {"$.width", "expected an integer, got a string"}
//     json value = gm::jobs::encode(*args);
//
// A field is a bool, an integer, a double, a string, such a struct, a json, or a vector, an optional or a map from strings of
// these. An optional may be absent or null; every other field has to be there, and its value has to fit its type
// exactly. A struct that has `bool valid(std::string& why) const` is asked last, for what types cannot say.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gristmill/jobs/json.hpp>

namespace gm::jobs {

// Where in the value it is wrong, and how. "$" is the whole.
struct field_error {
    std::string path;
    std::string what;
};

// What becomes of a member that no field is named after. To refuse is right where a person writes the arguments: it is most
// likely a slip. To ignore is right where a worker runs what a newer program sent.
enum class unknown_fields : std::uint8_t { refuse, ignore };

namespace detail {

template <class T, class M>
struct field {
    std::string_view name;
    M T::* member;
};

template <class T, class M, class... Rest>
constexpr auto pair_up(std::string_view name, M T::* member, Rest... rest) {
    if constexpr (sizeof...(Rest) == 0)
        return std::tuple(field<T, M>{name, member});
    else
        return std::tuple_cat(std::tuple(field<T, M>{name, member}), pair_up(rest...));
}

}  // namespace detail

// Name, member, name, member …
template <class... NamesAndMembers>
constexpr auto fields(NamesAndMembers... each) {
    static_assert(sizeof...(each) % 2 == 0, "a name and a member for each field");
    if constexpr (sizeof...(each) == 0)
        return std::tuple();
    else
        return detail::pair_up(each...);
}

template <class T>
concept has_fields = requires { std::tuple_size_v<std::remove_cvref_t<decltype(T::fields)>>; };

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T, class C, class A>
inline constexpr bool is_map<std::map<std::string, T, C, A>> = true;
template <class T>
inline constexpr bool not_a_field_type = false;

// The way from the whole value to the one in hand: a chain on the stack, made into text only for an error.
struct path_to {
    const path_to* above = nullptr;
    std::string_view name;
    std::size_t index = 0;
    std::string text() const;
};
field_error wrong(const path_to& at, std::string what);
field_error wrong_kind(const path_to& at, const char* expected, const json& got);
bool read_integer(const json& from, std::int64_t least, std::uint64_t most, std::uint64_t& bits, const path_to& at,
                  field_error& error);
bool read_double(const json& from, double& to, const path_to& at, field_error& error);

template <class T>
bool decode_to(T& to, const json& from, unknown_fields others, const path_to& at, field_error& error);

template <class T>
bool decode_struct(T& to, const json& from, unknown_fields others, const path_to& at, field_error& error) {
    const json::object* const members = from.as_object();
    if (!members) return error = wrong_kind(at, "an object", from), false;
    const auto one = [&](const auto& field) {
        using type = std::remove_cvref_t<decltype(to.*field.member)>;
        const path_to here{&at, field.name};
        if (const json* const value = from.find(field.name))
            return decode_to(to.*field.member, *value, others, here, error);
        if constexpr (is_optional<type>) return (to.*field.member).reset(), true;
        return error = wrong(here, "missing"), false;
    };
    if (!std::apply([&](const auto&... field) { return (one(field) && ...); }, T::fields)) return false;
    if (others == unknown_fields::refuse)
        for (const json::member& each : *members) {
            const auto is_it = [&](const auto& field) { return field.name == each.first; };
            if (!std::apply([&](const auto&... field) { return (is_it(field) || ...); }, T::fields))
                return error = wrong(path_to{&at, each.first}, "no such field"), false;
        }
    if constexpr (requires(const T& made, std::string& why) {
                      { made.valid(why) } -> std::convertible_to<bool>;
                  }) {
        std::string why;
        if (!to.valid(why)) return error = wrong(at, std::move(why)), false;
    }
    return true;
}

template <class T>
bool decode_to(T& to, const json& from, unknown_fields others, const path_to& at, field_error& error) {
    if constexpr (std::same_as<T, json>) {
        to = from;
    } else if constexpr (has_fields<T>) {
        return decode_struct(to, from, others, at, error);
    } else if constexpr (is_optional<T>) {
        if (from.is_null()) return to.reset(), true;
        return decode_to(to.emplace(), from, others, at, error);
    } else if constexpr (std::same_as<T, bool>) {
        if (!from.as_bool()) return error = wrong_kind(at, "true or false", from), false;
        to = *from.as_bool();
    } else if constexpr (std::integral<T>) {
        std::uint64_t bits = 0;
        constexpr auto least = static_cast<std::int64_t>(std::numeric_limits<T>::min());
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        if (!read_integer(from, least, most, bits, at, error)) return false;
        to = static_cast<T>(bits);
    } else if constexpr (std::same_as<T, double>) {
        return read_double(from, to, at, error);
    } else if constexpr (std::same_as<T, std::string>) {
        if (!from.as_string()) return error = wrong_kind(at, "a string", from), false;
        to = *from.as_string();
    } else if constexpr (is_vector<T>) {
        const json::list* const list = from.as_list();
        if (!list) return error = wrong_kind(at, "a list", from), false;
        to.clear();
        to.reserve(list->size());
        for (const json& each : *list) {
            typename T::value_type element{};
            if (!decode_to(element, each, others, path_to{&at, {}, to.size()}, error)) return false;
            to.push_back(std::move(element));
        }
    } else if constexpr (is_map<T>) {
        const json::object* const members = from.as_object();
        if (!members) return error = wrong_kind(at, "an object", from), false;
        to.clear();
        for (const auto& [name, value] : *members)
            if (!decode_to(to[name], value, others, path_to{&at, name}, error)) return false;
    } else {
        static_assert(not_a_field_type<T>,
                      "this type has no fields and is no type of a field: see gristmill/jobs/fields.hpp");
    }
    return true;
}

}  // namespace detail

template <class T>
result<T, field_error> decode(const json& from, unknown_fields others = unknown_fields::refuse) {
    T made{};
    field_error error;
    if (!detail::decode_to(made, from, others, {}, error)) return failure(std::move(error));
    return made;
}

// An absent optional is left out.
template <class T>
json encode(const T& from) {
    using namespace detail;
    if constexpr (has_fields<T>) {
        json::object members;
        const auto one = [&](const auto& field) {
            const auto& value = from.*field.member;
            if constexpr (is_optional<std::remove_cvref_t<decltype(value)>>)
                if (!value) return;
            members.emplace_back(std::string(field.name), encode(value));
        };
        std::apply([&](const auto&... field) { (one(field), ...); }, T::fields);
        return json(std::move(members));
    } else if constexpr (is_optional<T>) {
        return from ? encode(*from) : json();
    } else if constexpr (is_vector<T>) {
        json::list list;
        list.reserve(from.size());
        for (const auto& each : from) list.push_back(encode<typename T::value_type>(each));
        return json(std::move(list));
    } else if constexpr (is_map<T>) {
        json::object members;
        members.reserve(from.size());
        for (const auto& [name, value] : from) members.emplace_back(name, encode(value));
        return json(std::move(members));
    } else {
        static_assert(std::constructible_from<json, const T&>, "this type has no fields and is no type of a field");
        return json(from);
    }
}

}  // namespace gm::jobs
