// Seed 5: priorities by channels. `prefer` is a select that looks at its cases in order: an urgent job, if there is one, is
// always taken before a normal one. That alone may starve the normal ones; example 13 has the pool's levels, which do not.

#include <cstdio>

#include <gristmill/channel.hpp>
#include <gristmill/select.hpp>

int main() {
    gm::channel<int> urgent(10), normal(10);
    for (int job = 1; job <= 3; ++job) normal.send(job);
    for (int job = 1; job <= 2; ++job) urgent.send(job);

    const auto urgent_job = [&](int job) { std::printf("urgent job %d\n", job); };
    const auto normal_job = [&](int job) {
        std::printf("normal job %d\n", job);
        if (job == 1) urgent.send(3);  // comes in while normal jobs wait, and is next
        if (job == 1) urgent.close();
    };

    normal.close();
    while (gm::prefer(gm::on(urgent, urgent_job), gm::on(normal, normal_job))) {
    }
}
