#include "program/cli/help.hpp"

#include <algorithm>

namespace gm::program {

namespace {

constexpr std::size_t width = 100;

// Words of `text` on lines of at most `width`, each after `indent` spaces. An empty line separates paragraphs.
std::string wrapped(std::string_view text, std::size_t indent) {
    std::string all;
    std::size_t column = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        if (text.substr(begin).starts_with("\n\n")) {
            all += "\n\n";
            column = 0;
            begin += 2;
            continue;
        }
        const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
        const std::string_view word = text.substr(begin, end - begin);
        if (column != 0 && column + 1 + word.size() > width) {
            all += '\n';
            column = 0;
        }
        all += column == 0 ? std::string(indent, ' ') : " ";
        column += word.size() + (column == 0 ? indent : 1);
        all += word;
        begin = end < text.size() && text.substr(end).starts_with("\n\n") ? end : end + 1;
    }
    return all + '\n';
}

std::string flag_line(const flag& of) {
    std::string line;
    for (const std::string_view one : spellings(of)) {
        if (!line.empty()) line += ", ";
        line += one;
    }
    if (!of.argument.empty()) line += ' ' + std::string(of.argument);
    return line;
}

std::string usage_lines(const verb& of) {
    std::string all;
    for (std::size_t begin = 0; begin <= of.usage.size();) {
        const std::size_t end = std::min(of.usage.find('\n', begin), of.usage.size());
        all += "    gristmill " + std::string(of.name) + ' ' + std::string(of.usage.substr(begin, end - begin)) + '\n';
        begin = end + 1;
    }
    return all;
}

}  // namespace

std::string help_of_program() {
    std::string all = "gristmill runs many commands, several at a time.\n\n";
    for (const verb* one : verbs()) {
        std::string name = "    gristmill " + std::string(one->name);
        name.resize(std::max<std::size_t>(name.size() + 2, 28), ' ');
        all += name + std::string(one->summary) + '\n';
    }
    all += "\nFor a start:\n\n";
    for (const example& one : find_verb("run")->examples.first(3)) all += "    " + std::string(one.command) + '\n';
    return all + "\n`gristmill VERB --help` tells all about a verb.\n";
}

std::string help_of(const verb& of) {
    std::string all = usage_lines(of) + '\n' + wrapped(of.about, 0);
    if (!of.examples.empty()) all += "\nExamples:\n";
    for (const example& one : of.examples)
        all += "\n  " + std::string(one.says) + "\n      " + std::string(one.command) + '\n';
    if (!of.more.empty()) all += '\n' + std::string(of.more_title) + ":\n\n" + std::string(of.more);
    for (const flag_group& group : of.flags) {
        all += '\n' + std::string(group.title) + ":\n";
        for (const flag& one : group.flags) all += "\n  " + flag_line(one) + '\n' + wrapped(one.help, 6);
    }
    return all;
}

}  // namespace gm::program
