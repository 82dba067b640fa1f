#pragma once
// gristmill's channels in a Boost.Asio program: async_receive and async_send take any completion token of Asio's, and the
// handler runs on its own executor, as with any operation of Asio's. They stand on the completion form (start.hpp), whose
// callback runs wherever the value came from: it does nothing but post.
//
// A limit (a gm::context, a timeout) ends the wait. requires: no operation is pending when the executor's context is
// destroyed; end them by their context before.

#include <utility>

#include <gristmill/start.hpp>

#include <boost/asio.hpp>

namespace asio_channel {

namespace detail {

// Runs `handler` with `outcome` on the handler's executor, which has work to do until then.
template <class Handler>
class poster {
public:
    explicit poster(Handler&& handler)
        : handler_(std::move(handler)), work_(boost::asio::get_associated_executor(handler_)) {}
    template <class Outcome>
    void operator()(Outcome outcome) {
        boost::asio::post(work_.get_executor(),
                          [handler = std::move(handler_), outcome = std::move(outcome)]() mutable {
                              std::move(handler)(std::move(outcome));
                          });
        work_.reset();
    }

private:
    Handler handler_;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work_;
};

}  // namespace detail

// Handler: void(gm::result<T, gm::channel_status>).
template <class T, class Token>
auto async_receive(gm::receiver<T> from, Token&& token, const gm::until& limit = {}) {
    return boost::asio::async_initiate<Token, void(gm::result<T, gm::channel_status>)>(
        [limit](auto handler, gm::receiver<T> in) {
            gm::start_receive(std::move(in), limit, detail::poster(std::move(handler))).detach();
        },
        token, std::move(from));
}

// Handler: void(gm::channel_status).
template <class T, class Token>
auto async_send(gm::sender<T> to, std::type_identity_t<T> value, Token&& token, const gm::until& limit = {}) {
    return boost::asio::async_initiate<Token, void(gm::channel_status)>(
        [limit](auto handler, gm::sender<T> out, T sent) {
            gm::start_send(std::move(out), std::move(sent), limit, detail::poster(std::move(handler))).detach();
        },
        token, std::move(to), std::move(value));
}

}  // namespace asio_channel
