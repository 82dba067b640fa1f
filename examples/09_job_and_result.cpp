// Seed 4: a job struct and a result struct, with the job's id, its output and its error. Ten jobs, three workers. A job
// that fails is a result like any other: its worker lives on.

#include <cstdio>
#include <string>

#include <gristmill/channel.hpp>
#include <gristmill/result.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

struct job {
    int id;
    int value;
};
struct result {
    int job_id;
    gm::result<int, std::string> output;  // or the error
};

gm::result<int, std::string> twice(int value) {
    gm::sleep(std::chrono::milliseconds(5));  // expensive processing
    if (value < 0) return gm::failure(std::string("negative"));
    return value * 2;
}

int main() {
    gm::channel<job> jobs(10);
    gm::channel<result> results(10);

    gm::wait_group crew;
    for (int id = 1; id <= 3; ++id)
        crew.go([=] {
            for (const job& each : jobs) results.send({each.id, twice(each.value)});
        });

    for (int id = 1; id <= 10; ++id) jobs.send({id, id == 7 ? -1 : id * 10});
    jobs.close();

    for (int n = 1; n <= 10; ++n) {
        result done = results.receive().value();
        if (done.output)
            std::printf("job %d: output %d\n", done.job_id, *done.output);
        else
            std::printf("job %d: error: %s\n", done.job_id, done.output.error().c_str());
    }
}
