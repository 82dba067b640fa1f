// A state for each worker: a connection that is opened once by each worker, on its own thread, and used for all of its jobs,
// rather than once a job. It is closed when the worker leaves.

#include <atomic>
#include <cstdio>
#include <vector>

#include <gristmill/pool.hpp>

std::atomic<int> opened{0}, closed{0};

struct connection {
    connection() { ++opened; }
    ~connection() { ++closed; }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    int query(int n) {
        ++queries;
        return n;
    }
    int queries = 0;
};

int main() {
    int sum = 0;
    {
        gm::pool_of<connection> crew([] { return connection(); }, {.workers = 3});
        std::vector<gm::future<int>> answers;
        for (int job = 1; job <= 100; ++job)
            answers.push_back(crew.submit([job](connection& database) { return database.query(job); }));
        for (auto& answer : answers) sum += answer.get().value();
    }
    std::printf("sum %d, at most three connections: %s, all closed: %s\n", sum, opened <= 3 ? "yes" : "no",
                opened == closed ? "yes" : "no");
}
