// A report every working day at 08:30 in Berlin, over the week in which the clocks there change. The worker is away on Friday; what was
// missed runs once when it is back. A week of virtual time.
#include <chrono>
#include <cstdio>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/jobs/schedule.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

void print_time(const char* what, gm::jobs::wall_time at) {
    const auto day = floor<days>(at);
    const hh_mm_ss time(floor<minutes>(at - day));
    std::printf("%s March %u, %02d:%02d UTC\n", what, static_cast<unsigned>(year_month_day(day).day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
}

void a_week() {
    const auto store = gm::stores::open_memory({.start = sys_days(2026y / March / 25)});  // a Wednesday
    gm::jobs::registry kinds;
    kinds.add("report", [&](const gm::jobs::body&, gm::jobs::attempt& self) {
        print_time("the report of", gm::jobs::due_time(self.tags()).value());
    });
    const gm::jobs::cron_entry entry{
        .name = "report", .line = "30 8 * * mon-fri", .zone = "Europe/Berlin", .job = {.kind = "report"}};
    static_cast<void>(store->ledger()->put_cron(entry).value());

    const auto work = [&](std::chrono::hours how_long) {
        const gm::context_source end({}, how_long);
        static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = 1}).run(end));
    };
    work(47h);
    gm::sleep(27h);  // nobody is there on Friday morning
    print_time("back on", store->now());
    work(4 * 24h);
}

}  // namespace

int main() { return gm::virtual_time().run(a_week) ? 0 : 1; }
