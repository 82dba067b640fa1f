#pragma once
// What the verbs that ask a store and steer it have in common.

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

// ": did you mean 'mail'?", for a name that is not there; nothing if none is near.
std::string hint_of_names(std::string_view word, std::span<const std::string> names);

}  // namespace gm::program
