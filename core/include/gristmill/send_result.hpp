#pragma once
// send_result: what became of a value that was sent.

#include <source_location>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm {

// A send that failed leaves its argument intact; whoever ignores that loses the value. So a failure that nobody looks
// at stops the program with the place of the send, as Go's panic does, and one that is looked at is a value like
// any other. Not [[nodiscard]]: a send to a channel that cannot be closed meanwhile needs no look.
class send_result {
public:
    send_result(channel_status status, std::source_location where) noexcept : where_(where), status_(status) {}
    send_result(send_result&& other) noexcept
        : where_(other.where_), status_(other.status_), seen_(std::exchange(other.seen_, true)) {}
    send_result& operator=(send_result&&) = delete;
    ~send_result() {
        if (status_ != channel_status::ok && !seen_) [[unlikely]]
            unseen();
    }

    explicit operator bool() const noexcept { return status() == channel_status::ok; }
    channel_status status() const noexcept {
        seen_ = true;
        return status_;
    }
    bool operator==(channel_status other) const noexcept { return status() == other; }

private:
    void unseen() const noexcept {
        switch (status_) {
            case channel_status::closed:
                detail::misuse("a value was sent to a closed channel and the result ignored", where_);
            case channel_status::timed_out: detail::misuse("a send timed out and its result was ignored", where_);
            default: detail::misuse("a send was cancelled and its result was ignored", where_);
        }
    }

    std::source_location where_;
    channel_status status_;
    mutable bool seen_ = false;
};

}  // namespace gm
