// How to test a handler of your own: on the memory store and on virtual time, with its retries, timeouts and waits, in milliseconds and
// the same way each time. Nothing in the handler knows of it.
#include <chrono>
#include <cstdio>
#include <string>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

using namespace std::chrono_literals;

// ---- the handler, as the application has it ----

struct gateway {
    int calls = 0;
    int hangs_on_call = 0;  // for the test
    std::string charge(const gm::context& ctx) {
        if (++calls == hangs_on_call) static_cast<void>(gm::sleep(10min, ctx));
        ctx.check();
        return "paid";
    }
};

gm::jobs::registry kinds_of(gateway& bank) {
    gm::jobs::registry kinds;
    kinds.add("charge", [&bank](const gm::jobs::body&, gm::jobs::attempt& self) { return bank.charge(self.context()); },
              {.timeout = 30s, .retry = {.attempts = 3, .first = 1h, .jitter = 0}});
    return kinds;
}

// ---- the test ----

bool hung_gateway_is_asked_again_an_hour_later() {
    bool fine = false;
    const auto report = gm::virtual_time().run([&] {
        const auto store = gm::stores::open_memory();
        gateway bank{.hangs_on_call = 1};
        const gm::jobs::registry kinds = kinds_of(bank);
        gm::jobs::client client(*store, kinds);
        const gm::time_point begun = gm::now();
        const auto id = client.insert({.kind = "charge"}).value().id;
        static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = 1, .until_idle = true}).run());
        const gm::jobs::record job = client.find(id).value().value();
        const auto minutes = std::chrono::round<std::chrono::minutes>(gm::now() - begun).count();
        std::printf("%s, %d calls, after about %d minutes; the first attempt: %s\n",
                    std::string(gm::jobs::name_of(job.state)).c_str(), bank.calls, static_cast<int>(minutes),
                    job.errors.at(0).error.c_str());
        fine = job.state == gm::jobs::state::completed && bank.calls == 2;
    });
    return fine && report;
}

}  // namespace

int main() { return hung_gateway_is_asked_again_an_hour_later() ? 0 : 1; }
