#pragma once
// What went wrong on a connection: the error to be told, and what is left of the transaction it happened in.

#include <string>
#include <string_view>

#include <gristmill/jobs/store_error.hpp>
#include <gristmill/result.hpp>

namespace gm::stores::pg {

struct fault {
    jobs::store_error error;
    std::string code{};  // SQLSTATE; empty: the server said nothing
    bool lost = false;   // the connection is of no more use
    // Whether the transaction may have been committed all the same: the connection was lost after it was sent.
    bool ambiguous = false;

    bool is(std::string_view sqlstate) const noexcept { return code == sqlstate; }
};

template <class T>
using outcome = result<T, fault>;

// What our own functions in the schema raise: nothing was done.
inline constexpr std::string_view invalid_job = "GM001", old_worker = "GM002", cron_moved = "GM003";

// What an SQLSTATE is to a program that uses the store.
jobs::store_fault meaning_of(std::string_view sqlstate) noexcept;

}  // namespace gm::stores::pg
