#include "worker.hpp"

namespace gm::stores::in_memory {

void worker::hold(row& which) noexcept {
    which.holder = this;
    which.before = nullptr;
    which.behind = first;
    if (first) first->before = &which;
    first = &which;
    ++held;
    if (which.crashes > 0) holds_suspect = true;
}

void worker::let_go(row& which) noexcept {
    (which.before ? which.before->behind : first) = which.behind;
    if (which.behind) which.behind->before = which.before;
    which.holder = nullptr;
    which.before = which.behind = nullptr;
    if (--held == 0) holds_suspect = false;  // it held nothing else
}

}  // namespace gm::stores::in_memory
