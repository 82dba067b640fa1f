// What becomes of a job that fails: it is tried again, later each time; a handler may say that it is no use, or that it is too
// early; who fails for good is dead, with all its errors, until somebody revives it. On virtual time: the hours cost nothing.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

using namespace std::chrono_literals;

void tell(gm::jobs::client& client, const char* what, gm::jobs::job_id id) {
    const gm::jobs::record job = client.find(id).value().value();
    std::printf("%s is %s after %d attempts", what, std::string(gm::jobs::name_of(job.state)).c_str(), job.attempts);
    for (const gm::jobs::attempt_report& each : job.errors) std::printf("; %s", each.error.c_str());
    std::printf("\n");
}

void a_day() {
    const auto store = gm::stores::open_memory();
    gm::jobs::registry kinds;
    bool mended = false;
    kinds.add("flaky",
              [](const gm::jobs::body&, gm::jobs::attempt& self) {
                  if (self.number() < 3) throw std::runtime_error("no answer");
              },
              {.retry = {.attempts = 5, .first = 1h}});
    kinds.add("hopeless", [](const gm::jobs::body&) { throw gm::jobs::give_up("there is no such customer"); });
    kinds.add("printer",
              [&](const gm::jobs::body&) {
                  if (!mended) throw std::runtime_error("out of paper");
              },
              {.retry = {.attempts = 2}});
    kinds.add("early", [tries = 0](const gm::jobs::body&) mutable {
        if (tries++ == 0) throw gm::jobs::snooze(6h);  // counts as no attempt
    });

    gm::jobs::client client(*store, kinds);
    const auto insert = [&](const char* kind) { return client.insert({.kind = kind}).value().id; };
    const auto flaky = insert("flaky"), hopeless = insert("hopeless"), printer = insert("printer"),
               early = insert("early");
    const auto work = [&] {
        static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = 1, .until_idle = true}).run());
    };
    work();
    tell(client, "flaky", flaky);
    tell(client, "hopeless", hopeless);
    tell(client, "printer", printer);
    tell(client, "early", early);

    mended = true;
    std::printf("revived: %s\n", client.retry(printer).value() ? "yes" : "no");
    work();
    tell(client, "printer", printer);
}

}  // namespace

int main() { return gm::virtual_time().run(a_day) ? 0 : 1; }
