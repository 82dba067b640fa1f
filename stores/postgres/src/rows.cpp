#include "rows.hpp"

#include <bit>

namespace gm::stores::pg {

namespace {

std::int64_t network_number(std::string_view bytes) noexcept {
    std::uint64_t value = !bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80) ? ~0ULL : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

// Calls `each` with the bytes of each element of an array; a null has none.
template <class F>
void for_each_element(std::string_view array, F each) {
    constexpr std::size_t header = 20;  // dimensions, whether there are nulls, the type, the count, the first index
    if (array.size() < header) return;
    auto count = network_number(array.substr(12, 4));
    array.remove_prefix(header);
    for (; count > 0 && array.size() >= 4; --count) {
        const std::int64_t length = network_number(array.substr(0, 4));
        array.remove_prefix(4);
        if (length < 0) {
            each(std::string_view());
            continue;
        }
        each(array.substr(0, static_cast<std::size_t>(length)));
        array.remove_prefix(std::min(static_cast<std::size_t>(length), array.size()));
    }
}

}  // namespace

std::string_view rows::bytes(int row, int column) const noexcept {
    return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t rows::number(int row, int column) const noexcept { return network_number(bytes(row, column)); }

double rows::real(int row, int column) const noexcept { return std::bit_cast<double>(number(row, column)); }

bool rows::flag(int row, int column) const noexcept { return number(row, column) != 0; }

std::vector<std::int64_t> rows::numbers(int row, int column) const {
    std::vector<std::int64_t> made;
    for_each_element(bytes(row, column), [&](std::string_view element) { made.push_back(network_number(element)); });
    return made;
}

std::vector<double> rows::reals(int row, int column) const {
    std::vector<double> made;
    for_each_element(bytes(row, column),
                     [&](std::string_view element) { made.push_back(std::bit_cast<double>(network_number(element))); });
    return made;
}

std::vector<std::string> rows::texts(int row, int column) const {
    std::vector<std::string> made;
    for_each_element(bytes(row, column), [&](std::string_view element) { made.emplace_back(element); });
    return made;
}

}  // namespace gm::stores::pg
