#pragma once
// The parameters of a statement in libpq's binary format: nothing is ever pasted into SQL, and arrays of a thousand jobs cost no
// quoting. Numbers and arrays are written in network order.

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gm::stores::pg {

// PostgreSQL's numbers of its own types (pg_type.dat); they never change.
namespace oid {
inline constexpr unsigned boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25, float8 = 701;
inline constexpr unsigned boolean_array = 1000, bytea_array = 1001, int2_array = 1005, text_array = 1009,
                          int8_array = 1016, float8_array = 1022;
}  // namespace oid

// Bytes that are no text: arguments, results, errors, logs.
struct binary {
    std::string_view bytes;
};

void append_network(std::string& to, std::uint64_t value, int bytes);

// One array, element by element.
class array_parameter {
public:
    void null();
    void add(std::int64_t value) { element(static_cast<std::uint64_t>(value), 8); }
    void add(std::int16_t value) { element(static_cast<std::uint16_t>(value), 2); }
    void add(bool value) { element(value, 1); }
    void add(double value) { element(std::bit_cast<std::uint64_t>(value), 8); }
    void add(std::string_view value);

private:
    friend class parameters;
    void element(std::uint64_t value, int bytes);

    std::string elements_;
    std::int32_t count_ = 0;
    bool has_null_ = false;
};

class parameters {
public:
    parameters& null(unsigned type);
    parameters& add(std::int64_t value) { return number(oid::int8, static_cast<std::uint64_t>(value), 8); }
    parameters& add(std::int32_t value) { return number(oid::int4, static_cast<std::uint32_t>(value), 4); }
    parameters& add(std::int16_t value) { return number(oid::int2, static_cast<std::uint16_t>(value), 2); }
    parameters& add(bool value) { return number(oid::boolean, value, 1); }
    parameters& add(double value) { return number(oid::float8, std::bit_cast<std::uint64_t>(value), 8); }
    parameters& add(std::string_view value);
    parameters& add(const std::string& value) { return add(std::string_view(value)); }
    parameters& add(const char* value) { return add(std::string_view(value)); }
    parameters& add(binary value);
    parameters& add(std::span<const std::int64_t> values);
    parameters& add(std::span<const std::string> values);
    // `type` is that of the whole array.
    parameters& add(const array_parameter& values, unsigned type);

    void append(const parameters& more);

    // As libpq takes them; valid as long as this is not changed.
    struct view {
        std::vector<const char*> values;
        std::vector<int> lengths, formats;
    };
    view as_libpq() const;
    const std::vector<unsigned>& types() const noexcept { return types_; }

private:
    parameters& number(unsigned type, std::uint64_t value, int bytes);

    std::vector<unsigned> types_;
    std::vector<std::optional<std::string>> values_;
};

struct statement {
    std::string_view sql;  // ends with a zero; outlives the call: a literal
    parameters with{};
    // What is asked all the time has a name, always of the same text and the same types: where the connection lasts, the server
    // keeps it under that and need not parse and plan it again. It is how the text begins, so that either is found by it.
    const char* name = nullptr;
};

}  // namespace gm::stores::pg
