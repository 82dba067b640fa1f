// The runner on the memory store, on virtual time: what becomes of an attempt.
#include <gristmill/jobs/runner.hpp>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

struct sum_args {
    int a = 0, b = 0;
    static constexpr auto fields = gm::jobs::fields("a", &sum_args::a, "b", &sum_args::b);
};
struct sum_result {
    int sum = 0;
    static constexpr auto fields = gm::jobs::fields("sum", &sum_result::sum);
};

TEST(runner, typed_handler_gets_its_arguments_and_its_result_is_kept) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<sum_args>("sum", [](const sum_args& args) { return sum_result{args.a + args.b}; });
        shop.run();
        const record end = shop.end_of(shop.put("sum", sum_args{2, 3}));
        EXPECT_EQ(end.state, state::completed);
        EXPECT_EQ(result_of<sum_result>(end)->sum, 5);
        EXPECT_EQ(end.attempts, 1);
        const runner_report& report = shop.stop();
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.completed, 1u);
        EXPECT_EQ(report.counts.started, 1u);
    });
}

}  // namespace
