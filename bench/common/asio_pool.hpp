// Boost.Asio's thread_pool and post().
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace bench {

class asio_pool {
public:
    explicit asio_pool(int threads) : pool_(static_cast<std::size_t>(threads)) {}
    ~asio_pool() { pool_.join(); }
    template <class F>
    void submit(F f) {
        boost::asio::post(pool_, std::move(f));
    }

private:
    boost::asio::thread_pool pool_;
};

}  // namespace bench
