#include "program/run/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace gm::program {

void make_room_for(unsigned commands) noexcept {
    rlimit now{};
    // A pidfd and two pipes for each, a third while it starts; and what the process itself has open.
    const rlim_t wanted = rlim_t{commands} * 4 + 100;
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= wanted) return;
    now.rlim_cur = std::min(wanted, now.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &now);
}

}  // namespace gm::program
