#pragma once
// Memory that runs out on the thread that says so, at the allocation that it says. Its operator new is that of the whole test
// program (scarce_memory.cpp), and costs nobody else anything.
//
// Not under ThreadSanitizer, whose own operator new cannot be replaced: leave out there what is inside of
// #if GRISTMILL_SCARCE_MEMORY.

#if defined(__SANITIZE_THREAD__)
#define GRISTMILL_SCARCE_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GRISTMILL_SCARCE_MEMORY 0
#endif
#endif
#if !defined(GRISTMILL_SCARCE_MEMORY)
#define GRISTMILL_SCARCE_MEMORY 1
#endif

namespace gm_test {

// How many allocations of this thread go well; negative: all.
extern constinit thread_local int fuse;
// Only the next one after these fails, not all that follow.
extern constinit thread_local bool fails_once;
extern constinit thread_local int refused;
// What this thread has allocated and not freed.
extern constinit thread_local long outstanding;

// Memory for `allocations` more on this thread, while it lives.
class scarce_memory {
public:
    explicit scarce_memory(int allocations, bool once = false) noexcept {
        refused = 0;
        fails_once = once;
        fuse = allocations;
    }
    scarce_memory(const scarce_memory&) = delete;
    scarce_memory& operator=(const scarce_memory&) = delete;
    ~scarce_memory() { fuse = -1; }
};

}  // namespace gm_test
