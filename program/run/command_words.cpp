#include "program/run/command_words.hpp"

#include <utility>

#include "program/run/shell_scan.hpp"

namespace gm::program {

namespace {

// ::: and its like begin a source; what follows, up to the next of them, belongs to it.
void read_sources(std::span<const std::string_view> words, run_options& options) {
    while (!words.empty()) {
        const bool linked = words[0].ends_with('+'), files = words[0].starts_with("::::");
        words = words.subspan(1);
        input_source source{.values = {}, .file = {}, .is_file = false, .linked = linked};
        for (; !words.empty() && !words[0].starts_with(":::"); words = words.subspan(1)) {
            if (files)
                options.sources.push_back(
                    {.values = {}, .file = std::string(words[0]), .is_file = true, .linked = linked});
            else
                source.values.emplace_back(words[0]);
        }
        if (!files) options.sources.push_back(std::move(source));
    }
}

}  // namespace

bool begins_source(std::string_view word) {
    return word == ":::" || word == ":::+" || word == "::::" || word == "::::+";
}

void read_words(std::span<const std::string_view> words, run_options& options) {
    std::size_t end = 0;
    while (end < words.size() && !begins_source(words[end])) options.words.emplace_back(words[end++]);
    read_sources(words.subspan(end), options);
    if (options.sources.empty()) options.sources.push_back({.values = {}, .file = "-", .is_file = true});
}

std::string command_text(const run_options& options) {
    std::string text;
    for (const std::string& word : options.words) {
        if (!text.empty()) text += ' ';
        text += options.quote_words ? shell_word(word) : word;
    }
    return text;
}

result<std::optional<command_template>, std::string> read_command(const run_options& options,
                                                                  const std::vector<std::string>& names) {
    if (options.words.empty()) return std::optional<command_template>();
    const std::string text = command_text(options);
    auto made = command_template::parse(text, names, options.repeat_words);
    if (made && !made->has_arguments() && options.max_arguments != 0)
        made = command_template::parse(text + " {}", names, options.repeat_words);
    if (!made) return failure(std::string(made.error()));
    return std::optional(std::move(*made));
}

}  // namespace gm::program
