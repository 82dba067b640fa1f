// Seed 5: timeouts. One task hangs. Its result says so when its time is up, its stop token is set, and another worker takes
// the place of the one that is stuck, so the other jobs go on. What comes back later is dropped, and the observer is told.
// What a job with a timeout captures must outlive it: here each holds its own handle of the channel.

#include <chrono>
#include <cstdio>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>

using namespace std::chrono_literals;

struct late_jobs : gm::pool_observer {
    gm::channel<const char*> names{2};
    void late(const gm::job_event& job) noexcept override { names.send(job.name); }
};

int main() {
    late_jobs came_back;
    gm::pool crew({.workers = 1, .timeout = 50ms, .observer = &came_back});

    gm::channel<int> api(0);  // does not answer
    auto hung = crew.submit([api] { return api.receive().value(); }, {.name = "hung"});
    auto next = crew.submit([] { return "done"; }, {.timeout = 10s});
    std::printf("hung:   %s\n", gm::to_string(hung.get().status()));
    std::printf("next:   %s\n", next.get().value());

    // A polite one waits with its context, which is done when its time is up: nobody has to be replaced.
    auto polite =
        crew.submit([api](gm::job& self) { static_cast<void>(api.receive(self.context())); }, {.name = "polite"});
    std::printf("polite: %s\n", gm::to_string(polite.get().status()));
    std::printf("came back too late: %s\n", came_back.names.receive().value());

    api.send(0);  // the answer after all
    std::printf("came back too late: %s\n", came_back.names.receive().value());
}
