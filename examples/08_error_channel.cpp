// Seeds 3 and 5: errors on a channel of their own. A worker that cannot do a job says so on `errors` and takes the next one;
// the one who collects waits for both channels in one select, until both are closed.

#include <cstdio>
#include <stdexcept>
#include <string>

#include <gristmill/channel.hpp>
#include <gristmill/select.hpp>
#include <gristmill/wait_group.hpp>

struct job_error {
    int job;
    std::string what;
};

int process(int job) {
    if (job % 4 == 0) throw std::runtime_error("not divisible by anyone");
    return job * 2;
}

int main() {
    gm::channel<int> jobs(9), results(9);
    gm::channel<job_error> errors(9);

    gm::wait_group crew;
    for (int id = 1; id <= 3; ++id)
        crew.go([=] {
            for (int job : jobs) {
                try {
                    results.send(process(job));
                } catch (const std::exception& failed) {
                    errors.send({job, failed.what()});
                }
            }
        });

    for (int job = 1; job <= 9; ++job) jobs.send(job);
    jobs.close();
    crew.wait();
    results.close();
    errors.close();

    // A case that takes a value retires when its channel is closed; when all have, select says `closed`.
    while (gm::select(gm::on(results, [](int result) { std::printf("result: %d\n", result); }),
                      gm::on(errors, [](const job_error& e) { std::printf("job %d: %s\n", e.job, e.what.c_str()); }))) {
    }
}
