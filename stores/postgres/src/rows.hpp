#pragma once
// The rows that a statement gave, in libpq's binary format. A column that is null reads as 0, false or empty.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

namespace gm::stores::pg {

struct clear_result {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using result_ptr = std::unique_ptr<PGresult, clear_result>;

class rows {
public:
    explicit rows(result_ptr from) noexcept : result_(std::move(from)) {}

    int count() const noexcept { return PQntuples(result_.get()); }
    bool empty() const noexcept { return count() == 0; }

    bool is_null(int row, int column) const noexcept { return PQgetisnull(result_.get(), row, column) != 0; }
    std::string_view bytes(int row, int column) const noexcept;
    std::string text(int row, int column) const { return std::string(bytes(row, column)); }
    std::int64_t number(int row, int column) const noexcept;  // of 2, 4 or 8 bytes
    double real(int row, int column) const noexcept;
    bool flag(int row, int column) const noexcept;
    std::vector<std::int64_t> numbers(int row, int column) const;  // an array of whole numbers, 0 for null
    std::vector<double> reals(int row, int column) const;
    std::vector<std::string> texts(int row, int column) const;

private:
    result_ptr result_;
};

// The columns of one row, from left to right.
class reader {
public:
    reader(const rows& from, int row, int column = 0) noexcept : from_(from), row_(row), column_(column) {}

    bool is_null() const noexcept { return from_.is_null(row_, column_); }
    void skip() noexcept { ++column_; }
    std::int64_t number() noexcept { return from_.number(row_, column_++); }
    int small() noexcept { return static_cast<int>(number()); }
    double real() noexcept { return from_.real(row_, column_++); }
    bool flag() noexcept { return from_.flag(row_, column_++); }
    std::string text() { return from_.text(row_, column_++); }
    std::vector<std::int64_t> numbers() { return from_.numbers(row_, column_++); }
    std::vector<double> reals() { return from_.reals(row_, column_++); }
    std::vector<std::string> texts() { return from_.texts(row_, column_++); }

private:
    const rows& from_;
    int row_, column_;
};

}  // namespace gm::stores::pg
