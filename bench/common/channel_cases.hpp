// W3: the channel alone. A flow reports the time of a value, ping that of a round trip over two unbuffered channels,
// select4 that of one receive by a four-way select from four senders. The clock runs from before the first sender
// starts until the last receiver has seen the end.
#pragma once

#include "bench.hpp"

namespace bench {

struct flow {
    std::string name;
    std::size_t capacity = 0;
    int senders = 1, receivers = 1;
    std::int64_t values = 0;  // all senders together; sender i sends i, i + senders, ...

    std::int64_t sum() const { return values * (values - 1) / 2; }
};

// What the receivers saw, and how long it took.
struct received {
    double seconds = 0;
    std::int64_t count = 0;
    std::int64_t sum = 0;
};

// How a contender runs each case; what it leaves empty it does not have.
struct channel_runs {
    bool on_threads = false;
    std::function<received(const flow&)> run_flow;
    std::function<double(std::int64_t rounds)> run_ping;            // returns seconds
    std::function<received(std::int64_t values_each)> run_select4;  // capacity 100 each
    const char* why_not = "its library has no such thing";
};

inline int channel_main(int argc, char** argv, const channel_runs& runs) {
    std::string wanted = only_case(argc, argv);
    bool slow = runs.on_threads;
    auto n = [&](std::int64_t coroutines, std::int64_t threads) { return scaled(slow ? threads : coroutines); };
    const flow flows[] = {
        {"spsc1024", 1024, 1, 1, n(8'000'000, 3'000'000)},
        {"mpmc2x2_1024", 1024, 2, 2, n(8'000'000, 3'000'000)},
        {"spsc1", 1, 1, 1, n(3'000'000, 200'000)},
        {"mpmc1", 1, 2, 2, n(3'000'000, 200'000)},
    };
    for (const flow& f : flows) {
        if (f.name != wanted) continue;
        if (!runs.run_flow) not_available(runs.why_not);
        received seen = runs.run_flow(f);
        check(seen.count == f.values && seen.sum == f.sum(), f.name + ": count or sum");
        report("W3/" + f.name, seen.seconds / static_cast<double>(f.values) * 1e9, "ns");
        return 0;
    }
    if (wanted == "ping") {
        if (!runs.run_ping) not_available(runs.why_not);
        std::int64_t rounds = n(1'000'000, 50'000);
        report("W3/ping", runs.run_ping(rounds) / static_cast<double>(rounds) * 1e9, "ns");
        return 0;
    }
    if (wanted == "select4") {
        if (!runs.run_select4) not_available(runs.why_not);
        std::int64_t each = n(500'000, 50'000);
        received seen = runs.run_select4(each);
        check(seen.count == each * 4 && seen.sum == 2 * each * (each - 1), "select4: count or sum");
        report("W3/select4", seen.seconds / static_cast<double>(each * 4) * 1e9, "ns");
        return 0;
    }
    not_available("it has no such case");
}

// On plain threads, over any channel that blocks (see pipeline.hpp).
template <class Channel>
received flow_on_threads(const flow& f) {
    Channel channel(f.capacity);
    std::atomic<std::int64_t> count{0}, sum{0};
    std::vector<std::thread> senders, receivers;
    timer t;
    for (int s = 0; s < f.senders; ++s)
        senders.emplace_back([&, s] {
            for (std::int64_t v = s; v < f.values; v += f.senders) channel.send(static_cast<int>(v));
        });
    for (int r = 0; r < f.receivers; ++r)
        receivers.emplace_back([&] {
            std::int64_t mine = 0, total = 0;
            for (int v; channel.receive(v); ++mine) total += v;
            count += mine;
            sum += total;
        });
    for (auto& s : senders) s.join();
    channel.close();
    for (auto& r : receivers) r.join();
    return {t.seconds(), count, sum};
}

// `capacity` is 0 where the channel can be a rendezvous, else 1.
template <class Channel>
double ping_on_threads(std::int64_t rounds, std::size_t capacity) {
    Channel there(capacity), back(capacity);
    std::thread echo([&] {
        for (int v; there.receive(v);) back.send(v);
    });
    timer t;
    for (int i = 0, v = 0; i < rounds; ++i) {
        there.send(i);
        back.receive(v);
        check(v == i, "ping: another value came back");
    }
    double seconds = t.seconds();
    there.close();
    echo.join();
    return seconds;
}

}  // namespace bench
