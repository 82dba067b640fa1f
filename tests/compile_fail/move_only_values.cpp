// A value that cannot be copied is moved in, and the word move stands at the call.
// misuse 1: no matching member function for call to 'send'
// misuse 2: no matching member function for call to 'try_send'
#include <gristmill/channel.hpp>

#include <memory>

void right(const gm::channel<std::unique_ptr<int>>& channel, std::unique_ptr<int> value) {
    channel.send(std::move(value));
    channel.send(std::make_unique<int>(7));
}

#if MISUSE == 1
void wrong(const gm::channel<std::unique_ptr<int>>& channel, std::unique_ptr<int> value) { channel.send(value); }
#elif MISUSE == 2
void wrong(const gm::channel<std::unique_ptr<int>>& channel, std::unique_ptr<int> value) {
    (void)channel.try_send(value);
}
#endif
