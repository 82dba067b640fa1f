#pragma once
// A thread of the library's, in the real world or in the virtual one that its maker runs in. Joined by its owner.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gristmill/detail/engine.hpp>

namespace gm::detail {

class joined_thread {
public:
    joined_thread() noexcept = default;
    // Throws std::system_error, with the limits in force, when the system refuses.
    joined_thread(const char* name, std::function<void()> body);
    joined_thread(joined_thread&&) noexcept = default;
    joined_thread& operator=(joined_thread&& other) noexcept {
        join();
        real_ = std::move(other.real_);
        virtual_ = std::move(other.virtual_);
        return *this;
    }
    ~joined_thread() { join(); }

    void join() noexcept {
        if (real_.joinable()) real_.join();
        virtual_.reset();
    }

private:
    std::thread real_;
    std::unique_ptr<engine::thread_handle> virtual_;
};

}  // namespace gm::detail
