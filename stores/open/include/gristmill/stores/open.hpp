#pragma once
// A store by its URL, of those that this program was built with:
//
//     auto store = gm::stores::open("sqlite:work.db?sync=normal");
//     if (!store) log(store.error().what);
//
// Which there are, and their options, is in the guide (stores.md).

#include <memory>
#include <span>
#include <string_view>

#include <gristmill/jobs/driver.hpp>
#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/store.hpp>

namespace gm::stores {

// An unknown scheme or option is store_fault::invalid, and the words say what there is. No error shows a password.
result<std::unique_ptr<jobs::store>, jobs::store_error> open(std::string_view url);

// Of all stores that this program was built with, in the order of GRISTMILL_STORES.
std::span<const jobs::driver* const> drivers() noexcept;

// The same among stores of one's own.
result<std::unique_ptr<jobs::store>, jobs::store_error> open(std::string_view url,
                                                             std::span<const jobs::driver* const> among);

}  // namespace gm::stores
