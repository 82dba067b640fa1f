// One queue, many tenants: nobody runs more than two jobs at a time, and one who asks for a thousand does not hold up the others.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

using namespace std::chrono_literals;

void an_afternoon() {
    const auto store = gm::stores::open_memory();
    static_cast<void>(store->ledger()->limit("default", {.running_per_key = 2, .fair = true}).value());

    std::map<std::string, int> running, most;  // in a virtual world one thing happens at a time
    std::vector<std::string> ended;
    gm::jobs::registry kinds;
    kinds.add("convert", [&](const gm::jobs::body&, gm::jobs::attempt& self) {
        const int now = ++running[self.key()];
        most[self.key()] = std::max(most[self.key()], now);
        gm::sleep(1s);
        --running[self.key()];
        ended.push_back(self.key());
    });

    gm::jobs::client client(*store, kinds);
    const auto insert = [&](const char* tenant, std::size_t n) {
        client.insert_all(std::vector<gm::jobs::new_job>(n, {.kind = "convert", .key = tenant})).value();
    };
    insert("big", 1000);
    insert("small", 4);
    insert("tiny", 1);
    static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = 4, .until_idle = true}).run());

    for (const auto& [tenant, n] : most) std::printf("%s: at most %d at a time\n", tenant.c_str(), n);
    for (const char* tenant : {"tiny", "small"}) {
        const auto last = std::find(ended.rbegin(), ended.rend(), tenant).base();
        std::printf("%s is done among the first twelve: %s\n", tenant, last - ended.begin() <= 12 ? "yes" : "no");
    }
    std::printf("%d jobs\n", static_cast<int>(ended.size()));
}

}  // namespace

int main() { return gm::virtual_time().run(an_afternoon) ? 0 : 1; }
