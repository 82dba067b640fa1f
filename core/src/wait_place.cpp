#include <gristmill/detail/wait_place.hpp>

#include <gristmill/detail/misuse.hpp>

namespace gm::detail {

channel_status wait_place::wait_here(thread_wait& who, const limits& until, const char* what,
                                     std::source_location where) noexcept {
    guard.release();
    if (current_worker)
        misuse("a blocking wait on a thread of a scheduler: co_await the async_ form, or use gm::blocking", where);
    if (current_engine) current_engine->waits(nullptr, what, this, where);
    return who.sleep(until);
}

}  // namespace gm::detail
