#include "job_output.hpp"

#include <algorithm>

#include <gristmill/jobs/json.hpp>

namespace gm::kinds::exec {

namespace {

constexpr std::size_t longest_result = 32 * 1024;
constexpr std::size_t longest_tail = 1000;
constexpr std::size_t longest_piece = 16 * 1024;  // of what is logged at once: the attempt's room is a few of these

}  // namespace

void job_output::take(event::kind stream, std::string_view bytes) {
    if (stream == event::output) {
        too_much_ = too_much_ || result_.size() + bytes.size() > longest_result;
        if (!too_much_) result_ += bytes;
        log_lines(output_rest_, bytes);
    } else {
        tail_ += bytes;
        if (tail_.size() > 2 * longest_tail) tail_.erase(0, tail_.size() - longest_tail);
        log_lines(errors_rest_, bytes);
    }
}

void job_output::log_lines(std::string& rest, std::string_view bytes) {
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, longest_piece - std::min(rest.size(), longest_piece - 1));
        const std::size_t end = piece.rfind('\n');
        const bool full = rest.size() + piece.size() >= longest_piece;
        const std::size_t taken = end != std::string_view::npos ? end + 1 : piece.size();
        rest += piece.substr(0, taken);
        bytes.remove_prefix(taken);
        if (end == std::string_view::npos && !full) return;
        of_.log(rest);
        rest.clear();
    }
}

void job_output::finish() {
    for (std::string* const rest : {&output_rest_, &errors_rest_}) {
        if (!rest->empty()) of_.log(*rest);
        rest->clear();
    }
}

std::string job_output::result() const {
    if (too_much_) return {};
    // JSON, in which it is written down, would change what is no UTF-8.
    const auto back = jobs::json::parse(jobs::json(result_).text());
    return back && *back->as_string() == result_ ? result_ : std::string();
}

std::string job_output::last_words() const {
    std::string_view words = tail_;
    if (words.size() > longest_tail) words.remove_prefix(words.size() - longest_tail);
    while (!words.empty() && (words.back() == '\n' || words.back() == '\r' || words.back() == ' '))
        words.remove_suffix(1);
    return std::string(words);
}

}  // namespace gm::kinds::exec
