// Seed 5: a timeout with select and after. The call that may hang runs beside the worker and answers on a channel; the worker
// waits for the answer or for the time, whichever comes first. The channel has room for one, so a late answer
// holds nobody.

#include <chrono>
#include <cstdio>

#include <gristmill/channel.hpp>
#include <gristmill/select.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

int main() {
    gm::wait_group calls;
    gm::channel<int> jobs(3);
    for (int job = 1; job <= 3; ++job) jobs.send(job);
    jobs.close();

    gm::channel<int> hangs(0);
    for (int job : jobs) {
        gm::channel<int> answer(1);
        calls.go([=] {
            if (job == 2) static_cast<void>(hangs.receive());  // an external API that does not answer
            answer.send(job * 2);
        });
        gm::select(gm::on(answer, [&](int result) { std::printf("job %d: %d\n", job, result); }),
                   gm::after(job == 2 ? 50ms : 10s, [&] { std::printf("job %d: timed out\n", job); }));
    }
    hangs.close();
    calls.wait();
}
