#include <gristmill/detail/joined_thread.hpp>

#include <system_error>

#include <gristmill/detail/os.hpp>

namespace gm::detail {

joined_thread::joined_thread(const char* name, std::function<void()> body) {
    if (current_engine) {
        virtual_ = current_engine->start_thread(name, std::move(body));
        return;
    }
    try {
        real_ = std::thread([name, body = std::move(body)] {
            os::name_this_thread(name);
            body();
        });
    } catch (const std::system_error& refused) {
        throw std::system_error(refused.code(), os::thread_limits());
    }
}

}  // namespace gm::detail
