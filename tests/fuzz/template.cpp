// A template, a zero byte, and an argument. What is rendered without a shell has to hold the argument whole: wherever {} stood in a word, the word
// has the argument, whatever its bytes are.
#include <cstdlib>
#include <vector>

#include "program/run/template.hpp"

namespace {

using namespace gm::program;

constexpr std::string_view marker = "ARGUMENT";

// With a plain argument and with the given one the words have to be the same, but for the argument.
void compare(const command_template& made, const std::string& argument) {
    const std::vector<std::string> plain{std::string(marker)}, given{argument};
    const auto first = made.render({plain, 1, 1}), second = made.render({given, 1, 1});
    if (!first || !second) return;
    const auto expected = words_without_shell(*first), got = words_without_shell(*second);
    if (!expected || expected->front().find(marker) != std::string::npos) return;
    if (!got || got->size() != expected->size()) std::abort();
    for (std::size_t i = 0; i < got->size(); ++i) {
        std::string wanted = (*expected)[i];
        for (std::size_t at = 0; (at = wanted.find(marker, at)) != std::string::npos; at += argument.size())
            wanted.replace(at, marker.size(), argument);
        if (wanted != (*got)[i]) std::abort();
    }
}

// {.} and its like change the argument; only {} and {1} are compared.
bool has_only_whole_arguments(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        replacement what;
        if (read_replacement(text.substr(at), {}, what) != 0 && what.what != replacement::part::whole) return false;
    }
    return text.find(marker) == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t zero = all.find('\0');
    const std::string_view text = all.substr(0, zero);
    std::string argument(zero == std::string_view::npos ? "" : all.substr(zero + 1));
    std::erase(argument, '\0');
    (void)words_without_shell(text);
    for (const bool repeat : {false, true}) {
        const auto made = command_template::parse(text, {}, repeat);
        if (!made) continue;
        const std::vector<std::string> several{argument, "b c", ""};
        (void)made->render({several, 1, 1});
        if (has_only_whole_arguments(text)) compare(*made, argument);
    }
    return 0;
}
