#pragma once
// Lines of a descriptor as they come: all that one read() brings, so that nobody waits for a batch to fill, and memory stays
// bounded however long the input is.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gm::program {

class line_batches {
public:
    static constexpr std::size_t longest_line = 1024 * 1024;

    explicit line_batches(int fd) noexcept : fd_(fd) {}

    // The next lines, without their ends and without empty ones; the last may lack its end. False: there are no more, or reading
    // failed, which error() says.
    bool next(std::vector<std::string>& lines);
    const std::string& error() const noexcept { return error_; }
    // Where in the input the line stands that came last at this index: from 1, empty ones counted.
    std::uint64_t number_of(std::size_t index) const { return numbers_[index]; }

private:
    void take(std::string_view bytes, std::vector<std::string>& lines);
    void add(std::string&& line, std::vector<std::string>& lines);

    int fd_;
    std::string rest_;  // after the last end of a line
    std::vector<std::uint64_t> numbers_;
    std::uint64_t seen_ = 0;
    bool ended_ = false;
    std::string error_;
};

}  // namespace gm::program
