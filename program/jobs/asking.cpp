#include "program/jobs/asking.hpp"

#include <vector>

#include <gristmill/jobs/near.hpp>

#include "program/cli/help.hpp"

namespace gm::program {

std::optional<int> read_words(const verb& by, std::span<const std::string_view> words, void* options,
                              parsed_words& to) {
    to = parse_mixed(by, words, options);
    if (to.help) return print(by, help_of(by));
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
