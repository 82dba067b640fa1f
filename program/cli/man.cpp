// Man pages, in the man(7) macros.
#include <gristmill/version.hpp>

#include "program/cli/help.hpp"

namespace gm::program {

namespace {

// A backslash, and a dot or a quote at the beginning of a line, mean something to roff; a plain - may become a hyphen.
std::string escaped(std::string_view text) {
    std::string all;
    for (const char c : text) {
        if ((all.empty() || all.back() == '\n') && (c == '.' || c == '\'')) all += "\\&";
        if (c == '\\')
            all += "\\e";
        else if (c == '-')
            all += "\\-";
        else
            all += c;
    }
    return all;
}

std::string paragraphs(std::string_view text) {
    std::string all;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", begin), text.size());
        all += (begin == 0 ? "" : ".PP\n") + escaped(text.substr(begin, end - begin)) + '\n';
        begin = end + 2;
    }
    return all;
}

std::string head(std::string_view name, std::string_view summary) {
    std::string title(name);
    for (char& c : title) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    // No hyphenation, no blanks between words to fill a line: what is in the text is to be typed.
    return ".TH " + title + " 1 \"\" \"gristmill " GRISTMILL_VERSION "\"\n.nh\n.ad l\n.SH NAME\n" + escaped(name) +
           " \\- " + escaped(summary) + '\n';
}

std::string upper(std::string_view text) {
    std::string all(text);
    for (char& c : all) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return all;
}

std::string examples(std::span<const example> all) {
    std::string text;
    for (const example& one : all)
        text += (text.empty() ? ".SH EXAMPLES\n" : ".PP\n") + escaped(one.says) + "\n.PP\n.RS\n.nf\n" +
                escaped(one.command) + "\n.fi\n.RE\n";
    return text;
}

std::string page_of(const verb& of) {
    std::string all = head("gristmill-" + std::string(of.name), of.summary) + ".SH SYNOPSIS\n.nf\n";
    for (std::size_t begin = 0; begin <= of.usage.size();) {
        const std::size_t end = std::min(of.usage.find('\n', begin), of.usage.size());
        all += "\\fBgristmill " + escaped(of.name) + "\\fR " + escaped(of.usage.substr(begin, end - begin)) + '\n';
        begin = end + 1;
    }
    all += ".fi\n.SH DESCRIPTION\n" + paragraphs(of.about);
    if (!of.more.empty()) all += ".SH \"" + upper(of.more_title) + "\"\n.nf\n" + escaped(of.more) + ".fi\n";
    for (const flag_group& group : of.flags) {
        all += ".SH \"" + upper(group.title) + "\"\n";
        for (const flag& one : group.flags) {
            all += ".TP\n.B ";
            for (const std::string_view spelling : spellings(one))
                all += (spelling == one.name ? "" : ", ") + escaped(spelling);
            if (!one.argument.empty()) all += " \\fI" + escaped(one.argument) + "\\fR";
            all += '\n' + escaped(one.help) + '\n';
        }
    }
    return all + examples(of.examples) + ".SH \"SEE ALSO\"\n.BR gristmill (1)\n";
}

constexpr std::string_view surroundings =
    ".SH ENVIRONMENT\n"
    ".TP\n.B GRISTMILL_STORE\nWhere the jobs of a queue are, when there is no \\-\\-store.\n"
    ".TP\n.B GRISTMILL_STATE\nThe folder of the journals of\n.BR gristmill\\-run (1).\n"
    ".TP\n.B NO_COLOR\nIf it is set, nothing is coloured.\n"
    ".SH FILES\n"
    ".TP\n.I ~/.local/state/gristmill\nJobs and journals, where nothing else is said; below $XDG_STATE_HOME, if that "
    "is set.\n";

std::string page_of_program() {
    std::string all =
        head("gristmill", "runs many commands, several at a time") +
        ".SH SYNOPSIS\n.B gristmill\n\\fIVERB\\fR ...\n.SH DESCRIPTION\n"
        "Runs a list of commands, or the jobs of a queue, a few at a time, and goes on where it was after a "
        "crash. The first word says what is to be done, and each has a page of its own.\n";
    for (const verb* one : verbs())
        all += ".TP\n.BR gristmill\\-" + std::string(one->name) + " (1)\n" + escaped(one->summary) + '\n';
    return all + examples(find_verb("run")->examples.first(3)) + std::string(surroundings);
}

}  // namespace

std::optional<std::string> man_page(std::string_view name) {
    if (name == "gristmill") return page_of_program();
    if (!name.starts_with("gristmill-")) return std::nullopt;
    const verb* const found = find_verb(name.substr(std::string_view("gristmill-").size()));
    return found ? std::optional(page_of(*found)) : std::nullopt;
}

}  // namespace gm::program
