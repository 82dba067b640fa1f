// oneTBB: a bounded queue, a task group and a pipeline.
#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_group.h>

int main() {
    tbb::concurrent_bounded_queue<int> jobs;
    tbb::task_group group;
    group.run([&] { jobs.push(42); });
    group.wait();
    int v = 0, left = 3;
    jobs.pop(v);
    tbb::parallel_pipeline(
        4, tbb::make_filter<void, int>(tbb::filter_mode::serial_in_order, [&](tbb::flow_control& control) {
               if (left == 0) control.stop();
               return left--;
           }) & tbb::make_filter<int, void>(tbb::filter_mode::parallel, [](int) {}));
    return v == 42 ? 0 : 1;
}
