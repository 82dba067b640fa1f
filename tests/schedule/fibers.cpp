#include "schedule/fibers.hpp"

#include <cxxabi.h>
#include <pthread.h>
#include <ucontext.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gristmill/detail/pool_core.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(WITH_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// Saves what a call must preserve, changes the stack, and returns to whoever was suspended there. ucontext would do, if it did
// not call the kernel for the signal mask each time.
asm(R"(
.text
.globl gristmill_test_switch
.type gristmill_test_switch, @function
gristmill_test_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size gristmill_test_switch, .-gristmill_test_switch
)");
extern "C" void gristmill_test_switch(void** save, void* load);
#endif

namespace schedule {

namespace {

#if defined(WITH_ASAN)
constexpr std::size_t stack_size = 512 * 1024;
#else
constexpr std::size_t stack_size = 128 * 1024;
#endif

// What belongs to a strand, and the language and the library keep by thread: the exceptions in flight, whose worker this is.
// (The engine itself looks after current_worker and current_engine.)
struct thread_state {
    void* exceptions[2] = {};
    gm::detail::pool_worker* pool_worker = nullptr;

    void save() noexcept {
        std::memcpy(exceptions, abi::__cxa_get_globals(), sizeof exceptions);
        pool_worker = gm::detail::current_pool_worker;
    }
    void restore() const noexcept {
        std::memcpy(static_cast<void*>(abi::__cxa_get_globals()), exceptions, sizeof exceptions);
        gm::detail::current_pool_worker = pool_worker;
    }
};

std::vector<char*>& spare_stacks() {
    static auto* const spare = new std::vector<char*>;  // never freed
    return *spare;
}

class fiber final : public gm::detail::virtual_stack {
public:
    fiber() noexcept = default;  // the calling thread's own

    fiber(void (*entry)(void*) noexcept, void* argument) : entry_(entry), argument_(argument) {
        if (!spare_stacks().empty()) {
            memory_ = spare_stacks().back();
            spare_stacks().pop_back();
        } else {
            memory_ = new char[stack_size];
        }
        bottom_ = memory_;
        size_ = stack_size;
#if defined(__x86_64__)
        auto** top =
            reinterpret_cast<void**>(reinterpret_cast<std::uintptr_t>(memory_ + stack_size) & ~std::uintptr_t{15});
        *--top = nullptr;  // where begin() would return to
        *--top = reinterpret_cast<void*>(&fiber::begin);
        for (int i = 0; i != 6; ++i) *--top = nullptr;
        at_ = top;
#else
        getcontext(&at_);
        at_.uc_stack.ss_sp = memory_;
        at_.uc_stack.ss_size = stack_size;
        makecontext(&at_, &fiber::begin, 0);
#endif
    }

    ~fiber() override {
        if (!memory_) return;
#if defined(WITH_ASAN)
        ASAN_UNPOISON_MEMORY_REGION(memory_, stack_size);
#endif
        spare_stacks().push_back(memory_);
    }

    void abandon() noexcept override {}  // the memory stays with this object, which is leaked

    void switch_to(fiber& next, bool last) noexcept {
        state_.save();
        running = &next;
#if defined(WITH_ASAN)
        if (!bottom_) find_own_stack();
        __sanitizer_start_switch_fiber(last ? nullptr : &fake_, next.bottom_, next.size_);
#else
        static_cast<void>(last);
#endif
#if defined(__x86_64__)
        gristmill_test_switch(&at_, next.at_);
#else
        swapcontext(&at_, &next.at_);
#endif
        arrived(fake_);
    }

private:
    static void begin() {
        running->arrived(nullptr);
        running->entry_(running->argument_);
    }

    void arrived([[maybe_unused]] void* fake) noexcept {
#if defined(WITH_ASAN)
        __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
        state_.restore();
    }

#if defined(WITH_ASAN)
    void find_own_stack() noexcept {
        pthread_attr_t attributes;
        pthread_getattr_np(pthread_self(), &attributes);
        void* bottom = nullptr;
        pthread_attr_getstack(&attributes, &bottom, &size_);
        bottom_ = static_cast<char*>(bottom);
        pthread_attr_destroy(&attributes);
    }
#endif

    static inline thread_local fiber* running = nullptr;

    void (*entry_)(void*) noexcept = nullptr;
    void* argument_ = nullptr;
    char* memory_ = nullptr;
    char* bottom_ = nullptr;
    std::size_t size_ = 0;
    void* fake_ = nullptr;
    thread_state state_;
#if defined(__x86_64__)
    void* at_ = nullptr;
#else
    ucontext_t at_;
#endif
};

class fiber_switch final : public gm::detail::virtual_switch {
public:
    std::unique_ptr<gm::detail::virtual_stack> adopt() override { return std::make_unique<fiber>(); }
    std::unique_ptr<gm::detail::virtual_stack> make(void (*entry)(void*) noexcept, void* argument,
                                                    const char*) override {
        return std::make_unique<fiber>(entry, argument);
    }
    void hand_over(gm::detail::virtual_stack& from, gm::detail::virtual_stack& to) noexcept override {
        static_cast<fiber&>(from).switch_to(static_cast<fiber&>(to), false);
    }
    void leave(gm::detail::virtual_stack& from, gm::detail::virtual_stack& to) noexcept override {
        static_cast<fiber&>(from).switch_to(static_cast<fiber&>(to), true);
    }
};

}  // namespace

gm::detail::virtual_switch& fibers() noexcept {
    static fiber_switch all;
    return all;
}

}  // namespace schedule
