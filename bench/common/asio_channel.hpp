// Boost.Asio's channel (since 1.78), safe to use from several threads, and the token that makes its errors values.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bench {

using asio_channel = boost::asio::experimental::concurrent_channel<boost::asio::thread_pool::executor_type,
                                                                   void(boost::system::error_code, int)>;

inline constexpr auto as_values = boost::asio::experimental::as_tuple(boost::asio::use_awaitable);

}  // namespace bench
