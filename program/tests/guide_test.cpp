// What the guide says of verbs and flags is so, and it leaves none out.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "program/verbs/verbs.hpp"

namespace {

using namespace gm::program;

std::string whole_guide() {
    std::string all;
    for (const auto& page : std::filesystem::directory_iterator(GRISTMILL_GUIDE)) {
        std::ifstream in(page.path());
        all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
}

bool is_of_a_word(char c) { return c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c)); }

bool has_word(const std::string& text, std::string_view word) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) {
        const char before = at == 0 ? ' ' : text[at - 1];
        const char after = at + word.size() == text.size() ? ' ' : text[at + word.size()];
        if (!is_of_a_word(before) && !is_of_a_word(after)) return true;
    }
    return false;
}

// None if there is no such flag. Short ones may stand together, or with their value.
const flag* find_flag(const verb& of, const std::string& word) {
    const std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    for (const flag_group& group : of.flags)
        for (const flag& one : group.flags)
            if (std::ranges::count(spellings(one), name) != 0) return &one;
    return nullptr;
}

TEST(guide, every_verb_and_flag_is_there) {
    const std::string guide = whole_guide();
    for (const verb* of : verbs()) {
        EXPECT_TRUE(has_word(guide, of->name)) << of->name;
        for (const flag_group& group : of->flags)
            for (const flag& one : group.flags) {
                const auto spelled = spellings(one);
                EXPECT_TRUE(std::ranges::any_of(spelled, [&](auto word) { return has_word(guide, word); }))
                    << of->name << ' ' << one.name;
            }
    }
}

// The flags that follow a verb, up to the first word that is none: behind that they may be another program's.
TEST(guide, what_follows_a_verb_is_a_flag_of_it) {
    const std::string guide = whole_guide();
    std::size_t seen = 0;
    for (const verb* of : verbs()) {
        const std::string begin = "gristmill " + std::string(of->name) + ' ';
        for (std::size_t at = 0; (at = guide.find(begin, at)) != std::string::npos;) {
            at += begin.size();
            const std::string line = guide.substr(at, guide.find_first_of("\n`|;", at) - at);
            std::istringstream words(line);
            for (std::string word; words >> word && word.size() > 1 && word[0] == '-' && word != "--";) {
                if (word == "--help") continue;
                const flag* const found = find_flag(*of, word);
                ASSERT_TRUE(found) << begin << line;
                ++seen;
                const bool has_value = word.starts_with("--") ? word.find('=') != word.npos : word.size() > 2;
                if (!found->argument.empty() && !has_value) words >> word;
            }
        }
    }
    EXPECT_GT(seen, 20u);
}

}  // namespace
