#pragma once
// What can go wrong between a program and its store. The words say what, where and what to do; the code says what a program can
// do about it.

#include <cstdint>
#include <string>
#include <string_view>

namespace gm::jobs {

enum class store_fault : std::uint8_t {
    unreachable,  // no server, no connection, a lock that did not come: the same again later may do
    refused,      // by rights, a read-only file, a policy
    full,         // no room where it is kept
    damaged,      // what is stored there is not sound
    too_new,      // its schema is for newer programs only
    too_old,      // its schema has to be migrated first
    invalid,      // what was asked makes no sense; nothing was done
    conflict,     // a unique key is taken, a name exists, somebody was faster: that was not done
    missing,      // there is no such job, queue or entry
    unsupported,  // this store cannot do that
    stopped,      // the store is being closed
};

struct store_error {
    store_fault fault;
    std::string what;

    // Whether the same may succeed later without anybody's help.
    bool passing() const noexcept { return fault == store_fault::unreachable; }
};

std::string_view name_of(store_fault fault) noexcept;

}  // namespace gm::jobs
