#pragma once
// A thread of the library's, in the real world or in a virtual one.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/os.hpp>

namespace gm::detail {

// Joined by its destructor.
class pool_thread {
public:
    pool_thread() noexcept = default;
    pool_thread(pool_thread&&) noexcept = default;
    pool_thread& operator=(pool_thread&& other) noexcept {
        join();
        real_ = std::move(other.real_);
        virtual_ = std::move(other.virtual_);
        return *this;
    }
    ~pool_thread() { join(); }

    // Throws std::system_error when the system refuses.
    pool_thread(engine* world, std::string name, std::function<void()> body) {
        if (world)
            virtual_ = world->start_thread(std::move(name), std::move(body));
        else
            real_ = std::thread([name = std::move(name), body = std::move(body)] {
                os::name_this_thread(name.c_str());
                body();
            });
    }

    void join() noexcept {
        if (real_.joinable()) real_.join();
        virtual_.reset();
    }
    // Nobody joins it any more: for those who do not come back.
    void let_go() noexcept {
        if (real_.joinable()) real_.detach();
        static_cast<void>(virtual_.release());
    }
    bool running() const noexcept { return real_.joinable() || virtual_; }

private:
    std::thread real_;
    std::unique_ptr<engine::thread_handle> virtual_;
};

}  // namespace gm::detail
