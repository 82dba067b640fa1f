#pragma once
// What a store can do and what it cannot: asked by programs, shown in the guide's table. What a store says it cannot do it
// refuses with store_fault::unsupported.

#include <array>
#include <cstdint>
#include <string_view>

namespace gm::jobs {

enum class feature : std::uint8_t {
    survives_power_cut,  // what was accepted is on the disk
    many_machines,
    fencing,           // a late finisher is refused
    one_commit,        // finishes and claims in one
    your_transaction,  // insert within the application's own
    plain_sql,         // insert from any language
    run_at,
    priority,
    unique,
    after,
    cron,
    limits,       // concurrency and rate by queue and key
    fair_shares,  // among the keys of a queue
    steps,
    progress,  // and logs
    cancel_running,
    pause,
    query,  // list, count, bulk changes
    retention,
};
inline constexpr int features = static_cast<int>(feature::retention) + 1;

enum class support : std::uint8_t { no, partly, yes };
struct supported {
    support how = support::no;
    std::string_view note{};  // of `partly`: what holds
};
using feature_table = std::array<supported, features>;

std::string_view name_of(feature which) noexcept;
std::string_view meaning_of(feature which) noexcept;  // a short line for the table

}  // namespace gm::jobs
