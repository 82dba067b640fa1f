#pragma once
// The URL of a store, and reading the options in it:
//
//     sqlite:work.db?sync=normal&patience=5s
//     postgres://worker:secret@db.example.com/app?sslmode=require
//     memory:
//
// In path and options %20 is a space, and so on; an option without = is the same as with =yes. Passwords are shown nowhere: not in
// `shown`, and not in an error.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gristmill/jobs/record.hpp>
#include <gristmill/jobs/store_error.hpp>
#include <gristmill/result.hpp>

namespace gm::jobs {

class store_url {
public:
    struct option {
        std::string name, value;
    };

    // Only store_fault::invalid: it is no URL, or an option is there twice. Which schemes and options there are is not known here.
    static result<store_url, store_error> parse(std::string_view text);

    const std::string& scheme() const noexcept { return scheme_; }  // in small letters
    // What stands between the scheme's colon and the options, as it was written, and with %20 and so on replaced. The path of
    // file:///a/b is /a/b.
    const std::string& written_place() const noexcept { return place_; }
    const std::string& path() const noexcept { return path_; }
    const std::vector<option>& options() const noexcept { return options_; }
    const option* find(std::string_view name) const noexcept;

    // The URL without passwords.
    std::string shown() const;

private:
    std::optional<std::string> read_options(std::string_view text);

    std::string scheme_, place_, path_;
    std::vector<option> options_;
};

// Whether the value of an option of that name is nobody's business.
bool is_secret(std::string_view option) noexcept;

// Reads the options that a store knows, one call for each; what is not given stays as it is. The first thing that is wrong is the
// error.
class option_reader {
public:
    explicit option_reader(const store_url& url) noexcept : url_(url) {}

    void flag(std::string_view name, bool& to);  // yes, no
    void size(std::string_view name, std::size_t& to);
    template <class Duration>
    void duration(std::string_view name, Duration& to) {
        if (const auto read = read_duration(name)) to = std::chrono::ceil<Duration>(*read);
    }
    template <class T>
    void choice(std::string_view name, T& to, std::initializer_list<std::pair<std::string_view, T>> choices) {
        const store_url::option* const given = url_.find(name);
        if (!given) return;
        std::vector<std::string_view> names;
        for (const auto& [each, value] : choices) {
            if (each == given->value) return void(to = value);
            names.push_back(each);
        }
        not_one_of(*given, names);
    }
    // What all stores bound: arguments, result, error, log.
    void limits(size_limits& to);

    const std::optional<store_error>& error() const noexcept { return error_; }

private:
    std::optional<std::chrono::microseconds> read_duration(std::string_view name);
    void not_one_of(const store_url::option& given, const std::vector<std::string_view>& names);
    void wrong(const store_url::option& given, const std::string& why);

    const store_url& url_;
    std::optional<store_error> error_;
};

}  // namespace gm::jobs
