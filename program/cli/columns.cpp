#include "program/cli/columns.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "program/cli/safe_text.hpp"

namespace gm::program {

namespace {

constexpr std::size_t gap = 2;

}  // namespace

table_text::table_text(std::vector<column> columns, std::size_t width, bool coloured)
    : columns_(std::move(columns)), width_(width), coloured_(coloured) {
    for (const column& each : columns_) widths_.push_back(each.title.size());
}

void table_text::add(std::vector<cell> row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].text = printable(row[i].text);
        widths_[i] = std::max(widths_[i], columns_of(row[i].text));
    }
    rows_.push_back(std::move(row));
}

// What is too wide is taken from the widest that may give way, until all fit or none can give any more.
std::vector<std::size_t> table_text::fitted() const {
    std::vector<std::size_t> widths = widths_;
    if (width_ == 0) return widths;
    std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    while (total > width_) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (columns_[i].may_shrink && widths[i] > least_width &&
                (widest == widths.size() || widths[i] > widths[widest]))
                widest = i;
        if (widest == widths.size()) break;
        --widths[widest];
        --total;
    }
    return widths;
}

std::string table_text::take() {
    std::string all;
    const std::vector<std::size_t> widths = fitted();
    const auto put = [&](std::size_t i, const cell& what) {
        const std::string shown = cut_to(what.text, widths[i]);
        const std::string room(widths[i] - columns_of(shown), ' ');
        if (i != 0) all.append(gap, ' ');
        if (columns_[i].right) all += room;
        all += coloured_ ? program::coloured(shown, what.how) : shown;
        if (!columns_[i].right && i + 1 != columns_.size()) all += room;
    };
    if (!std::exchange(begun_, true)) {
        for (std::size_t i = 0; i < columns_.size(); ++i) put(i, {std::string(columns_[i].title), colour::bold});
        all += '\n';
    }
    for (const auto& row : std::exchange(rows_, {})) {
        for (std::size_t i = 0; i < row.size(); ++i) put(i, row[i]);
        all.erase(all.find_last_not_of(' ') + 1);
        all += '\n';
    }
    return all;
}

}  // namespace gm::program
