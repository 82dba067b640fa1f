// gristmill's channel and select, coroutine ends.
#include <gristmill/gristmill.hpp>

#include "common/channel_cases.hpp"

namespace {

unsigned width() { return static_cast<unsigned>(bench::threads()); }

gm::task<> send_share(gm::sender<int> channel, const bench::flow& f, int first, std::atomic<int>& live) {
    for (std::int64_t v = first; v < f.values; v += f.senders) co_await channel.async_send(static_cast<int>(v));
    if (live.fetch_sub(1) == 1) channel.close();
}

gm::task<bench::received> receive_all(gm::receiver<int> channel) {
    bench::received seen;
    for (; auto v = co_await channel.async_receive(); ++seen.count) seen.sum += *v;
    co_return seen;
}

gm::task<bench::received> gather(gm::receiver<int> channel, int receivers) {
    std::vector<gm::forked<bench::received>> others;
    for (int r = 1; r < receivers; ++r) others.push_back(gm::fork(receive_all(channel)));
    bench::received seen = co_await receive_all(channel);
    for (auto& other : others) {
        bench::received more = co_await other;
        seen.count += more.count;
        seen.sum += more.sum;
    }
    co_return seen;
}

bench::received run_flow(const bench::flow& f) {
    gm::scheduler scheduler({.threads = width()});
    gm::channel<int> channel(f.capacity);
    std::atomic<int> live{f.senders};
    bench::timer t;
    for (int s = 0; s < f.senders; ++s) scheduler.spawn(send_share(channel, f, s, live));
    bench::received seen = scheduler.block_on(gather(channel, f.receivers));
    seen.seconds = t.seconds();
    return seen;
}

gm::task<> echo(gm::receiver<int> there, gm::sender<int> back) {
    while (auto v = co_await there.async_receive()) co_await back.async_send(*v);
}

gm::task<> call(gm::sender<int> there, gm::receiver<int> back, std::int64_t rounds) {
    for (int i = 0; i < rounds; ++i) {
        co_await there.async_send(i);
        auto v = co_await back.async_receive();
        bench::check(v && *v == i, "ping: another value came back");
    }
    there.close();
}

double run_ping(std::int64_t rounds) {
    gm::scheduler scheduler({.threads = width()});
    gm::channel<int> there(0), back(0);
    scheduler.spawn(echo(there, back));
    bench::timer t;
    scheduler.block_on(call(there, back, rounds));
    return t.seconds();
}

gm::task<> send_up_to(gm::sender<int> channel, std::int64_t each) {
    for (int v = 0; v < each; ++v) co_await channel.async_send(v);
}

gm::task<bench::received> select_all(gm::receiver<int> a, gm::receiver<int> b, gm::receiver<int> c, gm::receiver<int> d,
                                     std::int64_t each) {
    bench::received seen;
    auto take = [&](int v) {
        seen.sum += v;
        ++seen.count;
    };
    for (std::int64_t i = 0; i < 4 * each; ++i)
        co_await gm::async_select(gm::on(a, take), gm::on(b, take), gm::on(c, take), gm::on(d, take));
    co_return seen;
}

bench::received run_select4(std::int64_t each) {
    gm::scheduler scheduler({.threads = width()});
    gm::channel<int> a(100), b(100), c(100), d(100);
    bench::timer t;
    for (const auto& channel : {a, b, c, d}) scheduler.spawn(send_up_to(channel, each));
    bench::received seen = scheduler.block_on(select_all(a, b, c, d, each));
    seen.seconds = t.seconds();
    return seen;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::channel_main(argc, argv, {.run_flow = run_flow, .run_ping = run_ping, .run_select4 = run_select4});
}
