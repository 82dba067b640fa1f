#include <gristmill/jobs/near.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace gm::jobs {

namespace {

std::string in_small_letters(std::string_view text) {
    std::string small(text);
    for (char& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return small;
}

// How many slips lie between them (optimal string alignment: a swap of neighbours is one).
std::size_t slips(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i != a.size(); ++i) {
        next[0] = i + 1;
        for (std::size_t j = 0; j != b.size(); ++j) {
            next[j + 1] = std::min({row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0U : 1U)});
            if (i != 0 && j != 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
                next[j + 1] = std::min(next[j + 1], before[j - 1] + 1);
        }
        std::swap(before, row);
        std::swap(row, next);
    }
    return row[b.size()];
}

}  // namespace

std::vector<std::string_view> near_to(std::string_view word, std::span<const std::string_view> names,
                                      std::size_t most) {
    constexpr std::size_t longest = 64;  // nobody misspells more, and the work grows with the product of the lengths
    if (word.empty() || word.size() > longest) return {};
    const std::string wanted = in_small_letters(word);
    const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
    std::vector<std::pair<std::size_t, std::string_view>> found;
    for (const std::string_view name : names) {
        if (name.size() > longest) continue;
        const std::string here = in_small_letters(name);
        const std::string_view last = std::string_view(here).substr(here.rfind('/') + 1);
        const std::size_t distance = std::min(slips(wanted, here), slips(wanted, last) + (last == here ? 0 : 1));
        if (distance <= allowed) found.emplace_back(distance, name);
    }
    std::ranges::sort(found);
    std::vector<std::string_view> nearest;
    for (const auto& [distance, name] : found)
        if (nearest.size() != most) nearest.push_back(name);
    return nearest;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> names) {
    const auto nearest = near_to(word, names);
    if (nearest.empty()) return {};
    std::string text = ": did you mean ";
    for (std::size_t i = 0; i != nearest.size(); ++i) {
        if (i != 0) text += i + 1 == nearest.size() ? " or " : ", ";
        text += "'" + std::string(nearest[i]) + "'";
    }
    return text + "?";
}

}  // namespace gm::jobs
