#pragma once
// Stacks for strands of a virtual world, all on one thread: a hand-over takes nanoseconds, where two threads with a baton
// take microseconds. For tests only: what a strand keeps in thread_local variables of its own is shared by all.

#include <gristmill/detail/virtual_stack.hpp>

namespace schedule {

gm::detail::virtual_switch& fibers() noexcept;

}  // namespace schedule
