#include "parameters.hpp"

namespace gm::stores::pg {

void append_network(std::string& to, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift));
}

void array_parameter::null() {
    append_network(elements_, 0xffffffff, 4);
    has_null_ = true;
    ++count_;
}

void array_parameter::element(std::uint64_t value, int bytes) {
    append_network(elements_, static_cast<std::uint64_t>(bytes), 4);
    append_network(elements_, value, bytes);
    ++count_;
}

void array_parameter::add(std::string_view value) {
    append_network(elements_, value.size(), 4);
    elements_ += value;
    ++count_;
}

parameters& parameters::null(unsigned type) {
    types_.push_back(type);
    values_.emplace_back();
    return *this;
}

parameters& parameters::number(unsigned type, std::uint64_t value, int bytes) {
    types_.push_back(type);
    append_network(values_.emplace_back().emplace(), value, bytes);
    return *this;
}

parameters& parameters::add(std::string_view value) {
    types_.push_back(oid::text);
    values_.emplace_back(value);
    return *this;
}

parameters& parameters::add(binary value) {
    types_.push_back(oid::bytea);
    values_.emplace_back(value.bytes);
    return *this;
}

parameters& parameters::add(std::span<const std::int64_t> values) {
    array_parameter array;
    for (const std::int64_t value : values) array.add(value);
    return add(array, oid::int8_array);
}

parameters& parameters::add(std::span<const std::string> values) {
    array_parameter array;
    for (const std::string& value : values) array.add(std::string_view(value));
    return add(array, oid::text_array);
}

namespace {

unsigned element_of(unsigned array) noexcept {
    switch (array) {
        case oid::boolean_array: return oid::boolean;
        case oid::bytea_array: return oid::bytea;
        case oid::int2_array: return oid::int2;
        case oid::int8_array: return oid::int8;
        case oid::float8_array: return oid::float8;
        default: return oid::text;
    }
}

}  // namespace

parameters& parameters::add(const array_parameter& values, unsigned type) {
    types_.push_back(type);
    std::string& to = values_.emplace_back().emplace();
    to.reserve(values.elements_.size() + 20);
    append_network(to, values.count_ > 0, 4);  // dimensions
    append_network(to, values.has_null_, 4);
    append_network(to, element_of(type), 4);
    if (values.count_ > 0) {
        append_network(to, static_cast<std::uint64_t>(values.count_), 4);
        append_network(to, 1, 4);  // the index of the first
        to += values.elements_;
    }
    return *this;
}

void parameters::append(const parameters& more) {
    types_.insert(types_.end(), more.types_.begin(), more.types_.end());
    values_.insert(values_.end(), more.values_.begin(), more.values_.end());
}

parameters::view parameters::as_libpq() const {
    view made;
    for (const auto& value : values_) {
        made.values.push_back(value ? value->data() : nullptr);
        made.lengths.push_back(value ? static_cast<int>(value->size()) : 0);
        made.formats.push_back(1);
    }
    return made;
}

}  // namespace gm::stores::pg
