// gristmill: coroutines. receive: nothing else; context: with a context; select2: in a select of two channels.
#include <gristmill/gristmill.hpp>

#include "common/sleepers.hpp"

namespace {

struct tally {
    bench::counter started, finished;
};

gm::task<> wait_plainly(gm::receiver<int> channel, tally& t) {
    t.started.add();
    bench::check(!co_await channel.async_receive(), "a value came");
    t.finished.add();
}

gm::task<> wait_with_context(gm::receiver<int> channel, gm::context ctx, tally& t) {
    t.started.add();
    bench::check(!co_await channel.async_receive(ctx), "a value came");
    t.finished.add();
}

gm::task<> wait_in_select(gm::receiver<int> channel, gm::receiver<int> other, tally& t) {
    t.started.add();
    auto nothing = [](std::optional<int> v) { bench::check(!v, "a value came"); };
    co_await gm::async_select(gm::on(channel, nothing), gm::on(other, nothing));
    t.finished.add();
}

// `wait(channel, tally)` makes one sleeper; it takes no more than it needs, since its parameters are in its frame.
template <class Wait>
void run(const char* name, Wait wait) {
    gm::scheduler scheduler({.threads = static_cast<unsigned>(bench::threads())});
    gm::channel<int> channel(1);
    tally t;
    std::int64_t n = bench::scaled(100'000);
    bench::report_sleepers(
        name, n,
        [&] {
            for (std::int64_t i = 0; i < n; ++i) scheduler.spawn(wait(channel, t));
            t.started.wait_for(n);
        },
        [&] {
            channel.close();
            t.finished.wait_for(n);
        });
}

}  // namespace

int main(int argc, char** argv) {
    gm::context_source source;
    gm::channel<int> other(1);
    auto with_context = [&](gm::receiver<int> channel, tally& t) {
        return wait_with_context(channel, source.get(), t);
    };
    auto in_select = [&](gm::receiver<int> channel, tally& t) { return wait_in_select(channel, other, t); };
    return bench::run_case(argc, argv,
                           {{"receive", [] { run("receive", wait_plainly); }},
                            {"context", [&] { run("context", with_context); }},
                            {"select2", [&] { run("select2", in_select); }}});
}
