#include "program/journal/line_matcher.hpp"

#include <utility>

namespace gm::program {

namespace {

constexpr unsigned lines_ahead = 1000;

}  // namespace

result<line_matcher, std::string> line_matcher::make(journal_file& file) {
    if (auto failed = file.index_lines()) return failure(std::move(*failed));
    return line_matcher(file);
}

std::optional<std::string> line_matcher::look_ahead() {
    auto more = file_->lines_after(given_, last_, lines_ahead);
    if (!more) return std::move(more).error();
    ahead_ = std::move(*more);
    at_ = 0;
    return std::nullopt;
}

result<std::optional<line_matcher::known_line>, std::string> line_matcher::take(const line_identity& who) {
    if (!in_step_) return file_->take(who, given_, last_);
    if (at_ == ahead_.size())
        if (auto failed = look_ahead()) return failure(std::move(*failed));
    if (at_ == ahead_.size()) return std::optional<known_line>();  // all are given
    if (ahead_[at_].who == who) {
        given_ = ahead_[at_].number;
        return std::optional(std::move(ahead_[at_++]));
    }
    in_step_ = false;
    ahead_ = {};
    return file_->take(who, given_, last_);
}

}  // namespace gm::program
