#include <gristmill/detail/virtual_stack.hpp>

#include <atomic>
#include <string>
#include <system_error>
#include <thread>

#include <gristmill/detail/os.hpp>

namespace gm::detail {

namespace {

// The baton is a word of each thread: 1 while it is that thread's turn.
class thread_stack final : public virtual_stack {
public:
    thread_stack() noexcept = default;

    ~thread_stack() override {
        if (thread_.joinable()) thread_.join();  // it has left: it is on its way out
    }

    void abandon() noexcept override {
        if (thread_.joinable()) thread_.detach();
    }

    void start(void (*entry)(void*) noexcept, void* argument, std::string name) {
        try {
            thread_ = std::thread([this, entry, argument, name = std::move(name)] {
                os::name_this_thread(name.c_str());
                wait();
                entry(argument);
            });
        } catch (const std::system_error& refused) {
            throw std::system_error(refused.code(), "a strand of a virtual world; " + os::thread_limits());
        }
    }

    void wait() noexcept {
        while (turn_.exchange(0, std::memory_order_acquire) == 0) os::wait(turn_, 0);
    }

    // This may be gone as soon as the word is set: after it only the address is used.
    void wake() noexcept {
        turn_.store(1, std::memory_order_release);
        os::wake_one(turn_);
    }

private:
    std::atomic<std::uint32_t> turn_{0};
    std::thread thread_;
};

class thread_switch final : public virtual_switch {
public:
    std::unique_ptr<virtual_stack> adopt() override { return std::make_unique<thread_stack>(); }

    std::unique_ptr<virtual_stack> make(void (*entry)(void*) noexcept, void* argument, const char* name) override {
        auto stack = std::make_unique<thread_stack>();
        stack->start(entry, argument, name);
        return stack;
    }

    void hand_over(virtual_stack& from, virtual_stack& to) noexcept override {
        static_cast<thread_stack&>(to).wake();
        static_cast<thread_stack&>(from).wait();
    }

    void leave(virtual_stack&, virtual_stack& to) noexcept override { static_cast<thread_stack&>(to).wake(); }
};

}  // namespace

virtual_switch& virtual_threads() noexcept {
    static thread_switch threads;
    return threads;
}

}  // namespace gm::detail
