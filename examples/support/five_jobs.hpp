#pragma once
// The day of the seed's dry run: five jobs, a second each, and three workers who take them from one channel. What happens
// is marked in the world's table.

#include <chrono>

#include <gristmill/channel.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

inline gm::virtual_report run_five_jobs(gm::virtual_time& day) {
    return day.run([&table = day.table()] {
        gm::channel<int> jobs(5);
        table.begin(3);
        table.note("the program starts");
        for (int job = 1; job <= 5; ++job) {
            jobs.send(job);
            table.queued(job);
        }
        jobs.close();

        gm::wait_group crew;
        for (std::size_t id = 0; id != 3; ++id)
            crew.go([&, id] {
                for (int job : jobs) {
                    table.started(id, job);
                    gm::sleep(std::chrono::seconds(1));
                    table.finished(id, job);
                }
            });
        crew.wait();
        table.note("everything is finished");
    });
}
