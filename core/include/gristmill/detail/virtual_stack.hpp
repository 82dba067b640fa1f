#pragma once
// What a strand of a virtual world runs on, and how control goes from one to the next. The library's own way is a thread
// each, of which one runs and the others wait for the baton. The tests that explore schedules plug in another.

#include <memory>

namespace gm::detail {

class virtual_stack {
public:
    virtual ~virtual_stack() = default;
    // Whoever stands on it will never go on. It is leaked, with all that lies on it.
    virtual void abandon() noexcept = 0;
};

class virtual_switch {
public:
    // The calling thread's own stack.
    virtual std::unique_ptr<virtual_stack> adopt() = 0;
    // One on which `entry(argument)` runs once control comes to it first. May throw std::system_error.
    virtual std::unique_ptr<virtual_stack> make(void (*entry)(void*) noexcept, void* argument, const char* name) = 0;
    // From the calling stack to another; returns when control comes back.
    virtual void hand_over(virtual_stack& from, virtual_stack& to) noexcept = 0;
    // The same for the last time: `entry` returns after it, or it does not return.
    virtual void leave(virtual_stack& from, virtual_stack& to) noexcept = 0;

protected:
    ~virtual_switch() = default;
};

virtual_switch& virtual_threads() noexcept;

}  // namespace gm::detail
