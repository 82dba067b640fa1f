// Seed 2: the complete example, four workers and twenty jobs. There are no results to count, so a wait group says when
// the crew is done. The channel's room is smaller than the work: a full channel holds the sender (backpressure).

#include <cstdio>

#include <gristmill/channel.hpp>
#include <gristmill/wait_group.hpp>

int main() {
    gm::channel<int> jobs(4);

    gm::wait_group crew;
    for (int id = 1; id <= 4; ++id)
        crew.go([=] {
            for (int job : jobs) std::printf("worker %d processing job %d\n", id, job);
        });

    for (int job = 1; job <= 20; ++job) jobs.send(job);
    jobs.close();

    crew.wait();
    std::puts("all jobs completed");
}
