// Seed 1: the dry run. The image processor of the first example again, in a virtual world: nobody sleeps, the clock jumps,
// and the course is the same each time. What the workers mark is printed as the seed's table, moment by moment. The crew
// itself is in support/five_jobs.hpp: ./gristmill demo shows it, too.

#include <chrono>
#include <iostream>

#include "support/five_jobs.hpp"

using namespace std::chrono_literals;

int main() {
    gm::virtual_time day({.seed = 3});
    const gm::virtual_report report = run_five_jobs(day);

    std::cout << day.table() << "two seconds of work, none of it waited for: " << (report.passed == 2s ? "yes" : "no")
              << '\n';
}
