#include <scarce_memory.hpp>

#if GRISTMILL_SCARCE_MEMORY

#include <cstddef>
#include <cstdlib>
#include <new>

namespace gm_test {

constinit thread_local int fuse = -1;
constinit thread_local bool fails_once = false;
constinit thread_local int refused = 0;
constinit thread_local long outstanding = 0;

namespace {

void* allocate_or_null(std::size_t size, std::size_t alignment) noexcept {
    if (fuse == 0) {
        ++refused;
        if (fails_once) fuse = -1;
        return nullptr;
    }
    if (fuse > 0) --fuse;
    void* const room = alignment <= alignof(std::max_align_t)
                           ? std::malloc(size != 0 ? size : 1)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (room) ++outstanding;
    return room;
}

void* allocate(std::size_t size, std::size_t alignment) {
    if (void* const room = allocate_or_null(size, alignment)) return room;
    throw std::bad_alloc();
}

void give_back(void* room) noexcept {
    if (room) --outstanding;
    std::free(room);
}

}  // namespace
}  // namespace gm_test

using gm_test::allocate;
using gm_test::allocate_or_null;
using gm_test::give_back;

// All of them: a sanitizer that has to provide one brings its own of the others.
void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new[](std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t to) { return allocate(size, static_cast<std::size_t>(to)); }
void* operator new[](std::size_t size, std::align_val_t to) { return allocate(size, static_cast<std::size_t>(to)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size, 0); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size, 0); }
void* operator new(std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
    return allocate_or_null(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
    return allocate_or_null(size, static_cast<std::size_t>(to));
}
void operator delete(void* room) noexcept { give_back(room); }
void operator delete[](void* room) noexcept { give_back(room); }
void operator delete(void* room, std::size_t) noexcept { give_back(room); }
void operator delete[](void* room, std::size_t) noexcept { give_back(room); }
void operator delete(void* room, std::align_val_t) noexcept { give_back(room); }
void operator delete[](void* room, std::align_val_t) noexcept { give_back(room); }
void operator delete(void* room, std::size_t, std::align_val_t) noexcept { give_back(room); }
void operator delete[](void* room, std::size_t, std::align_val_t) noexcept { give_back(room); }
void operator delete(void* room, const std::nothrow_t&) noexcept { give_back(room); }
void operator delete[](void* room, const std::nothrow_t&) noexcept { give_back(room); }
void operator delete(void* room, std::align_val_t, const std::nothrow_t&) noexcept { give_back(room); }
void operator delete[](void* room, std::align_val_t, const std::nothrow_t&) noexcept { give_back(room); }

#endif
