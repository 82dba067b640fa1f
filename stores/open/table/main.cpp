// What each store can do, and the options of its URLs, for the guide: from the drivers, so that the page cannot say anything else.
// Opens no store.
//
//     store_table                 prints it
//     store_table --check PAGE    fails if the page says something else between its two marks
//     store_table --write PAGE    puts it there
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/stores/open.hpp>

namespace {

using gm::jobs::driver;
using gm::jobs::feature;
using gm::jobs::support;
using gm::jobs::supported;

constexpr std::string_view begin_mark = "<!-- from the stores: written by store_table -->\n";
constexpr std::string_view end_mark = "<!-- to here -->\n";

// A note is given below the table, under its number.
std::string cell(const supported& one, std::vector<std::string>& notes, std::string_view store) {
    std::string text = one.how == support::yes ? "yes" : one.how == support::no ? "–" : "partly";
    if (one.note.empty()) return text;
    notes.push_back(std::string(store) + ": " + std::string(one.note));
    return text + " (" + std::to_string(notes.size()) + ")";
}

void print_features(std::ostream& out) {
    std::vector<std::string> notes;
    out << "| |";
    for (const driver* each : gm::stores::drivers()) out << ' ' << each->name << " |";
    out << "\n|---|";
    for (std::size_t i = gm::stores::drivers().size(); i != 0; --i) out << "---|";
    out << '\n';
    for (int i = 0; i != gm::jobs::features; ++i) {
        const auto which = static_cast<feature>(i);
        out << "| **" << name_of(which) << "**: " << meaning_of(which) << " |";
        for (const driver* each : gm::stores::drivers())
            out << ' ' << cell(each->can[static_cast<std::size_t>(i)], notes, each->name) << " |";
        out << '\n';
    }
    for (std::size_t i = 0; i != notes.size(); ++i) out << (i == 0 ? "\n" : "") << i + 1 << ". " << notes[i] << ".\n";
}

void print_options(std::ostream& out) {
    for (const driver* each : gm::stores::drivers()) {
        out << "\n### " << each->name << "\n\n`" << each->form << "`: " << each->purpose << ".\n\n";
        if (each->options.empty()) continue;
        out << "| option | |\n|---|---|\n";
        for (const driver::option& option : each->options)
            out << "| `" << option.name << "` | " << option.meaning << " |\n";
    }
}

std::optional<std::string> contents(const char* path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

int on_page(const char* path, bool writes) {
    std::optional<std::string> page = contents(path);
    const std::size_t begin = page ? page->find(begin_mark) : std::string::npos;
    const std::size_t end = page ? page->find(end_mark) : std::string::npos;
    if (begin == std::string::npos || end == std::string::npos || end < begin) {
        std::cerr << path << ": cannot be read, or lacks one of the marks\n" << begin_mark << end_mark;
        return 1;
    }
    std::ostringstream made;
    print_features(made);
    print_options(made);
    const std::size_t from = begin + begin_mark.size();
    if (page->compare(from, end - from, made.str()) == 0) return 0;
    if (!writes) {
        std::cerr << path << " does not say what the stores say; to repair it: store_table --write " << path << '\n';
        return 1;
    }
    page->replace(from, end - from, made.str());
    std::ofstream out(path, std::ios::binary);
    out << *page << std::flush;
    return out ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    if (count == 3 && (what == "--check" || what == "--write")) return on_page(arguments[2], what == "--write");
    if (count != 1) {
        std::cerr << "store_table [--check PAGE | --write PAGE]\n";
        return 2;
    }
    print_features(std::cout);
    print_options(std::cout);
}
