#pragma once
// The frames of finished coroutines, kept by the worker that freed them for the next ones it makes. A spawn and its
// end cost less than the allocator's two calls alone; what is kept is bounded by 64 KiB for each size.

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define GRISTMILL_KEEP_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GRISTMILL_KEEP_FRAMES 0
#endif
#endif
#ifndef GRISTMILL_KEEP_FRAMES
#define GRISTMILL_KEEP_FRAMES 1  // under AddressSanitizer a kept frame would hide its use after the end
#endif

namespace gm::detail {

// Not locked: its owner's thread alone.
class frame_cache {
public:
    frame_cache() noexcept = default;
    frame_cache(const frame_cache&) = delete;
    frame_cache& operator=(const frame_cache&) = delete;
    ~frame_cache() {
        for (list& each : lists_)
            while (void* const frame = pop(each)) ::operator delete(frame);
    }

    // Up to the next size that fills an allocator's block of 16 bytes, 8 of them its own.
    static constexpr std::size_t rounded(std::size_t size) noexcept { return (size + step - 1 - 8) / step * step + 8; }

    void* take(std::size_t size) {
        if (size > largest || !GRISTMILL_KEEP_FRAMES) return ::operator new(size);
        if (void* const frame = pop(lists_[index(size)])) return frame;
        return ::operator new(rounded(size));
    }

    void give(void* frame, std::size_t size) noexcept {
        if (size <= largest && GRISTMILL_KEEP_FRAMES) {
            list& here = lists_[index(size)];
            if (here.count * rounded(size) < kept_bytes) {
                *static_cast<void**>(frame) = here.first;
                here.first = frame;
                ++here.count;
                return;
            }
        }
        ::operator delete(frame);
    }

private:
    static constexpr std::size_t step = 16, largest = 1024, kept_bytes = 65'536;
    struct list {
        void* first = nullptr;
        std::size_t count = 0;
    };
    static constexpr std::size_t index(std::size_t size) noexcept { return (size + step - 1 - 8) / step; }
    static void* pop(list& from) noexcept {
        void* const frame = from.first;
        if (!frame) return nullptr;
        from.first = *static_cast<void**>(frame);
        --from.count;
        return frame;
    }

    list lists_[largest / step + 1];
};

}  // namespace gm::detail
