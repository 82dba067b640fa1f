// Words of the filter language, one a line. What is read is written in words again; these are read without a complaint, and mean the same.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "program/tests/filter_verb.hpp"

namespace {

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
    gm::test::filter_options first, second;
    if (!gm::test::read_filter(lines_of({reinterpret_cast<const char*>(data), size}), first).empty()) return 0;
    const std::vector<std::string> words = gm::program::words_of(first);
    if (!gm::test::read_filter({words.begin(), words.end()}, second).empty()) std::abort();
    if (gm::program::words_of(second) != words) std::abort();
    const gm::jobs::wall_time now(std::chrono::hours(500'000));
    const gm::jobs::filter a = first.at(now), b = second.at(now);
    if (a.ids != b.ids || a.states != b.states || a.text != b.text || a.inserted_before != b.inserted_before ||
        a.inserted_after != b.inserted_after || a.finished_before != b.finished_before ||
        a.finished_after != b.finished_after)
        std::abort();
    return 0;
}
