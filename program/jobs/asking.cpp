#include "program/jobs/asking.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <gristmill/jobs/near.hpp>

#include "program/cli/help.hpp"
#include "program/cli/safe_text.hpp"

namespace gm::program {

void remark(const verb& by, std::string_view text) {
    const std::string line = "gristmill " + std::string(by.name) + ": " + printable(text, lines::many) + '\n';
    std::fflush(stdout);
    std::fputs(line.c_str(), stderr);
}

int fail(const verb& by, std::string_view text) {
    remark(by, text);
    return own_failure;
}

int fail(const verb& by, const trouble& why) {
    remark(by, why.what);
    return why.status;
}

int printed(const verb& by, int status) {
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
    return fail(by, std::string("standard output: ") + std::strerror(errno));
}

std::optional<int> read_words(const verb& by, std::span<const std::string_view> words, void* options,
                              parsed_words& to) {
    to = parse_mixed(by, words, options);
    if (to.help) return std::fputs(help_of(by).c_str(), stdout), printed(by);
    if (!to.error.empty())
        return fail(by, to.error + "\n`gristmill " + std::string(by.name) + " --help` lists them all.");
    return std::nullopt;
}

result<open_ledger, std::string> ask(const store_options& which, if_missing file) {
    auto store = open_store(which, file);
    if (!store) return failure(std::move(store).error());
    if (!(*store)->ledger())
        return failure((*store)->name() + ": this store takes jobs and gives them out, but cannot be asked");
    return open_ledger{*std::move(store)};
}

std::string hint_of_names(std::string_view word, std::span<const std::string> names) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    return jobs::did_you_mean(word, known);
}

}  // namespace gm::program
