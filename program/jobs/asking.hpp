#pragma once
// What the verbs that ask a store and steer it have in common.

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/result.hpp>

#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/cli/table.hpp"
#include "program/store/open.hpp"

namespace gm::program {

// Reads the words by the verb's table. A status: help was printed, or something is wrong and was told; it is over.
std::optional<int> read_words(const verb& by, std::span<const std::string_view> words, void* options, parsed_words& to);

// A store that can be asked.
struct open_ledger {
    std::unique_ptr<jobs::store> store;
    jobs::ledger* operator->() const noexcept { return store->ledger(); }
    jobs::ledger& operator*() const noexcept { return *store->ledger(); }
};
result<open_ledger, std::string> ask(const store_options& which, if_missing file = if_missing::refuse);

// The one of that name; the error says what there is not, and which names are near.
template <class Named>
result<Named, trouble> find_named(const std::vector<Named>& all, std::string_view name, std::string_view what);

// ": did you mean 'mail'?", for a name that is not there; nothing if none is near.
std::string hint_of_names(std::string_view word, std::span<const std::string> names);

template <class Named>
result<Named, trouble> find_named(const std::vector<Named>& all, std::string_view name, std::string_view what) {
    const auto at = std::ranges::find(all, name, &Named::name);
    if (at != all.end()) return *at;
    std::vector<std::string> known;
    for (const Named& each : all) known.push_back(each.name);
    return failure(
        trouble{"there is no " + std::string(what) + " '" + std::string(name) + "'" + hint_of_names(name, known),
                not_all_done});
}

}  // namespace gm::program
