#include "faults/roles.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include <gristmill/context.hpp>
#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/open.hpp>
#include <gristmill/timer.hpp>

#include "faults/audit.hpp"

namespace faults {

namespace {

namespace jobs = gm::jobs;
using namespace std::chrono_literals;

struct storm_args {
    int ms = 0;        // how long it takes
    int failures = 0;  // attempts that throw before one succeeds
    static constexpr auto fields = jobs::fields("ms", &storm_args::ms, "failures", &storm_args::failures);
};

// Writes down which finishes the store has accepted; everything else is the store's.
class audited_source final : public jobs::source {
public:
    audited_source(std::unique_ptr<jobs::source> real, audit_log& log) : real_(std::move(real)), log_(log) {}

    gm::result<jobs::exchanged, jobs::store_error> exchange(std::span<const jobs::settlement> finishes,
                                                            const jobs::demand& wanted) override {
        auto done = real_->exchange(finishes, wanted);
        if (done)
            for (std::size_t i = 0; i != finishes.size(); ++i)
                if (finishes[i].what == jobs::verdict::completed && done->outcomes[i] == jobs::settled::yes)
                    log_.note('F', finishes[i].which.first, finishes[i].which.second);
        return done;
    }
    gm::result<jobs::beaten, jobs::store_error> beat(const jobs::pulse& how) override { return real_->beat(how); }
    gm::result<jobs::swept, jobs::store_error> sweep() override { return real_->sweep(); }

private:
    std::unique_ptr<jobs::source> real_;
    audit_log& log_;
};

class audited_store final : public jobs::store {
public:
    audited_store(std::unique_ptr<jobs::store> real, audit_log& log) : real_(std::move(real)), log_(log) {}

    std::string name() const override { return real_->name(); }
    const jobs::feature_table& can() const noexcept override { return static_cast<const jobs::store&>(*real_).can(); }
    jobs::sink& sink() noexcept override { return real_->sink(); }
    jobs::ledger* ledger() noexcept override { return real_->ledger(); }
    gm::result<std::unique_ptr<jobs::source>, jobs::store_error> subscribe(const jobs::subscription& how) override {
        auto source = real_->subscribe(how);
        if (!source) return source;
        return std::unique_ptr<jobs::source>(std::make_unique<audited_source>(std::move(*source), log_));
    }
    jobs::wall_time now() override { return real_->now(); }

private:
    std::unique_ptr<jobs::store> real_;
    audit_log& log_;
};

// A storm may have killed the server just now.
std::unique_ptr<jobs::store> open_patiently(const std::string& url) {
    for (int tries = 0;; ++tries) {
        auto store = gm::stores::open(url);
        if (store) return std::move(*store);
        if (!store.error().passing() || tries == 600) {
            std::fprintf(stderr, "the store does not open: %s\n", store.error().what.c_str());
            std::exit(3);
        }
        gm::sleep(100ms);
    }
}

// Done at SIGTERM. requires: made before any other thread is.
class ended_by_signal {
public:
    ended_by_signal() {
        sigemptyset(&asked_);
        sigaddset(&asked_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &asked_, nullptr);
        waiter_ = std::thread([this] {
            int which = 0;
            sigwait(&asked_, &which);
            source_.cancel();
        });
    }
    ended_by_signal(const ended_by_signal&) = delete;
    ended_by_signal& operator=(const ended_by_signal&) = delete;
    ~ended_by_signal() {
        pthread_kill(waiter_.native_handle(), SIGTERM);
        waiter_.join();
    }
    gm::context context() const { return source_; }

private:
    sigset_t asked_{};
    gm::context_source source_;
    std::thread waiter_;
};

jobs::registry storm_kinds(audit_log& log, std::atomic<unsigned>& limited, std::atomic<unsigned>& most_limited) {
    jobs::registry kinds;
    kinds.add<storm_args>("storm",
                          [&](const storm_args& args, jobs::attempt& self) {
                              log.note('S', self.id().number);
                              const bool counted = self.queue() == limited_queue;
                              if (counted) {
                                  const unsigned now = ++limited;
                                  unsigned most = most_limited.load();
                                  while (now > most && !most_limited.compare_exchange_weak(most, now)) {
                                  }
                              }
                              const bool through = gm::sleep(std::chrono::milliseconds(args.ms), self.context()) ==
                                                   gm::channel_status::ok;
                              if (counted) --limited;
                              const bool fine = through && self.number() > args.failures;
                              log.note('E', self.id().number, fine ? 1 : 0);
                              if (!through) self.context().check();
                              if (!fine) throw std::runtime_error("a failure of the storm's own");
                          },
                          {.retry = {.attempts = 1000, .first = 20ms, .longest = 200ms}});
    return kinds;
}

jobs::runner_options storm_crew(unsigned workers) {
    return {.workers = workers, .queues = {"default", limited_queue}, .lease = 2s, .grace = 1s, .last_grace = 1s};
}

// A crew that is killed all the time may be slower than those who insert: an hour of that would leave a day's work.
void wait_for_the_crew(jobs::store& store, const gm::context& asked) {
    constexpr std::uint64_t most_open = 2000;
    const auto open_jobs = [&] {
        std::uint64_t open = 0;
        if (const auto queues = store.ledger()->queues())
            for (const jobs::queue_report& each : *queues)
                for (std::size_t i = 0; i != each.counts.size(); ++i)
                    if (!jobs::is_over(static_cast<jobs::state>(i))) open += each.counts[i];
        return open;
    };
    while (!asked.is_done() && open_jobs() > most_open) static_cast<void>(gm::sleep(200ms, asked));
}

}  // namespace

int enqueue(const role_options& how) {
    const ended_by_signal asked;
    audit_log log(how.folder);
    const auto store = open_patiently(how.store);
    jobs::client client(*store);
    std::minstd_rand dice(how.seed);
    const auto below = [&dice](unsigned n) { return static_cast<int>(dice() % n); };
    for (int round = 0; !asked.context().is_done(); ++round) {
        if (round % 20 == 0) wait_for_the_crew(*store, asked.context());
        const bool flood = below(how.floods) == 0;  // then claims and ends go in hundreds
        std::vector<storm_args> some(flood ? 2000 : static_cast<std::size_t>(1 + (below(10) == 0 ? below(50) : 0)));
        for (storm_args& each : some)
            each = {.ms = flood ? 0 : below(20) == 0 ? below(200) : below(10), .failures = below(20) == 0};
        const std::string queue = !flood && below(5) == 0 ? limited_queue : "default";
        const auto put = client.insert_all("storm", some, {.queue = queue, .priority = below(3)});
        if (put)
            for (const jobs::inserted& each : *put) log.note('I', each.id.number);
        static_cast<void>(gm::sleep(std::chrono::milliseconds(5 + below(10)), asked.context()));
    }
    return 0;
}

int work(const role_options& how) {
    const ended_by_signal asked;
    audit_log log(how.folder);
    audited_store store(open_patiently(how.store), log);
    std::atomic<unsigned> limited{0}, most{0};
    const jobs::registry kinds = storm_kinds(log, limited, most);
    jobs::runner crew(store, kinds, storm_crew(4));
    const jobs::runner_report report = crew.run(asked.context());
    if (report.error) std::fprintf(stderr, "a worker ends: %s\n", report.error->what.c_str());
    return report ? 0 : 1;
}

namespace {
// Until nothing is open, what dead workers held included. False: it did not come to that.
bool work_off(jobs::runner& crew) {
    const gm::context_source patience({}, 5min);
    return crew.run(patience) && !patience.is_done();
}
}  // namespace

int drain(const role_options& how) {
    audit_log log(how.folder);
    audited_store store(open_patiently(how.store), log);
    std::atomic<unsigned> limited{0}, most{0};
    const jobs::registry kinds = storm_kinds(log, limited, most);
    jobs::runner_options last = storm_crew(4 * limit);
    last.until_idle = true;
    jobs::runner crew(store, kinds, last);
    if (!work_off(crew)) return -1;
    // What a dead worker's jobs had of the limit must be there again, all of it.
    jobs::client client(store);
    const std::vector<storm_args> plenty(10 * limit, storm_args{.ms = 50});
    const auto put = client.insert_all("storm", plenty, {.queue = limited_queue});
    if (!put) return -1;
    for (const jobs::inserted& each : *put) log.note('I', each.id.number);
    most = 0;
    if (!work_off(crew)) return -1;
    return static_cast<int>(most.load());
}

}  // namespace faults
