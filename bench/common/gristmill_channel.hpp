// gristmill's channel from plain threads, as the thread cases want it.
#pragma once

#include <gristmill/gristmill.hpp>

namespace bench {

class gristmill_channel {
public:
    explicit gristmill_channel(std::size_t capacity) : channel_(capacity) {}
    bool send(int v) { return static_cast<bool>(channel_.send(v)); }
    bool receive(int& v) {
        auto got = channel_.receive();
        if (!got) return false;
        v = *got;
        return true;
    }
    void close() { channel_.close(); }

protected:
    gm::channel<int> channel_;
};

// The same, each wait with a context that nobody cancels.
class gristmill_context_channel : public gristmill_channel {
public:
    using gristmill_channel::gristmill_channel;
    bool send(int v) { return static_cast<bool>(channel_.send(v, source().get())); }
    bool receive(int& v) {
        auto got = channel_.receive(source().get());
        if (!got) return false;
        v = *got;
        return true;
    }

private:
    static gm::context_source& source() {
        static gm::context_source one;
        return one;
    }
};

}  // namespace bench
