#include "fault.hpp"

#include <array>
#include <utility>

namespace gm::stores::pg {

jobs::store_fault meaning_of(std::string_view sqlstate) noexcept {
    using enum jobs::store_fault;
    // The longest match counts: a whole code before its class, which is the first two characters.
    constexpr std::array<std::pair<std::string_view, jobs::store_fault>, 24> meanings{{
        {invalid_job, invalid}, {old_worker, too_new}, {"25006", refused},  // a transaction that may only read: a standby
        {"42501", refused},                                                 // insufficient privilege
        {"42P01", too_old},  // no such table, function or schema: it was not migrated, or somebody removed it
        {"42883", too_old},     {"3F000", too_old},    {"53100", full},  // disk full
        {"55P03", unreachable},                                          // a lock that did not come
        {"57014", unreachable},                                          // statement_timeout
        {"08", unreachable},                                             // connection
        {"40", unreachable},                                             // rolled back: deadlock, serialization
        {"53", unreachable},                                             // out of memory, too many connections
        {"57", unreachable},                                             // shut down, crashed, starting up
        {"58", damaged},                                                 // input and output of the server's files
        {"XX", damaged},        {"28", refused},                         // who are you
        {"3D", refused},                                                 // no such database
        {"42", refused},        {"54", full},                            // limits of the server
        {"22", invalid},        {"23", invalid},       {"21", invalid},    {"0A", unsupported},
    }};
    for (const auto& [code, meaning] : meanings)
        if (sqlstate.starts_with(code)) return meaning;
    return unreachable;
}

}  // namespace gm::stores::pg
