// Words of the filter language, one a line. What is read is written in words again; these are read without a complaint, and mean the same.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "program/cli/parse.hpp"
#include "program/jobs/filter_words.hpp"

namespace {

using namespace gm::program;

struct options : job_filter {};
constexpr flag_group groups[] = {{"Which", filter_flags<options>}};
constexpr verb any{.name = "any",
                   .summary = {},
                   .usage = {},
                   .about = {},
                   .flags = groups,
                   .examples = {},
                   .more_title = {},
                   .more = {},
                   .run = nullptr};

bool read(const std::vector<std::string_view>& words, options& to) {
    const parsed_words given = parse_mixed(any, words, &to);
    if (given.help || !given.error.empty()) return false;
    for (const std::string_view word : given.words)
        if (!take_ids(to, word).empty()) return false;
    return true;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
    options first, second;
    if (!read(lines_of({reinterpret_cast<const char*>(data), size}), first)) return 0;
    const std::vector<std::string> words = words_of(first);
    if (!read({words.begin(), words.end()}, second) || words_of(second) != words) std::abort();
    const gm::jobs::wall_time now(std::chrono::hours(500'000));
    const gm::jobs::filter a = first.at(now), b = second.at(now);
    if (a.ids != b.ids || a.states != b.states || a.text != b.text || a.inserted_before != b.inserted_before ||
        a.inserted_after != b.inserted_after || a.finished_before != b.finished_before ||
        a.finished_after != b.finished_after)
        std::abort();
    return 0;
}
