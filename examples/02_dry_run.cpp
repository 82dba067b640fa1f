// Seed 1: the dry run. The image processor of the first example again, in a virtual world: nobody sleeps, the clock jumps,
// and the course is the same each time. What the workers mark is printed as the seed's table, moment by moment.

#include <chrono>
#include <iostream>

#include <gristmill/channel.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

int main() {
    gm::virtual_time day({.seed = 3});
    gm::dry_run& table = day.table();

    const gm::virtual_report report = day.run([&] {
        gm::channel<int> jobs(5);
        table.begin(3);
        table.note("the program starts");
        for (int job = 1; job <= 5; ++job) {
            jobs.send(job);
            table.queued(job);
        }
        jobs.close();

        gm::wait_group crew;
        for (std::size_t id = 1; id <= 3; ++id)
            crew.go([&, id] {
                for (int job : jobs) {
                    table.started(id, job);
                    gm::sleep(1s);
                    table.finished(id, job);
                }
            });
        crew.wait();
        table.note("everything is finished");
    });

    std::cout << table << "two seconds of work, none of it waited for: " << (report.passed == 2s ? "yes" : "no")
              << '\n';
}
