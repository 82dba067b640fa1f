#pragma once
// Which store a verb works on, and opening it: --store URL, else $GRISTMILL_STORE, else a SQLite file of this user's own,
// $XDG_STATE_HOME/gristmill/jobs.db (~/.local/state/gristmill/jobs.db). And --json, which every verb on a store has.
//
//     struct ls_options : store_options { … };
//     constexpr flag_group groups[] = {…, {"Store", store_flags<ls_options>}};
//     auto store = open_store(options, if_missing::refuse);
//     if (!store) return fail(store.error());

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <gristmill/jobs/store.hpp>
#include <gristmill/result.hpp>

#include "program/cli/table.hpp"

namespace gm::program {

struct store_options {
    std::string store;  // its URL; empty: as above
    bool json = false;
};

template <std::derived_from<store_options> Options>
inline constexpr flag store_flags[] = {
    {"--store", "", "URL",
     "Where the jobs are: sqlite:PATH, or postgres://USER@HOST/DATABASE. Default: $GRISTMILL_STORE, or else a file of "
     "your own, ~/.local/state/gristmill/jobs.db.",
     [](void* o, std::string_view v) {
         static_cast<Options*>(o)->store = v;
         return std::string(v.empty() ? "an empty URL" : "");
     },
     completes::words, "sqlite: postgres://"},
    {"--json", "", "", "Print JSON, one value a line.", [](void* o, std::string_view) {
         static_cast<Options*>(o)->json = true;
         return std::string();
     }}};

// What becomes of a file that is not there: a verb that puts jobs in makes it; one that only asks would make an empty one
// where a name is mistyped.
enum class if_missing : std::uint8_t { make, refuse };

// The URL that these options come to. The error is a sentence.
result<std::string, std::string> store_url_of(const store_options& options);

// The same, with the option that says what becomes of a missing file. Other stores know none.
std::string with(std::string url, if_missing file);
// For looking: neither a file nor a schema is made, whatever the URL says.
std::string unchanged(std::string url);

// The error is what to tell the user, without passwords. A store that ends with this process is refused: nobody else would
// see its jobs.
result<std::unique_ptr<jobs::store>, std::string> open_store(const store_options& options, if_missing file);

}  // namespace gm::program
