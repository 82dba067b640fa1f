// D3: from the call that inserts a job to the answer of the store that it is finished, at a steady rate. The store is watched
// from outside, between it and the runner: what is measured is what the store has confirmed.
#pragma once

#include <unordered_map>

#include "stores.hpp"

namespace bench::durable {

// When each job was asked for, and when it was over.
class stopwatch {
public:
    explicit stopwatch(std::int64_t n) : started_(static_cast<std::size_t>(n)) {}

    void started(std::int64_t number, std::int64_t at) { started_[static_cast<std::size_t>(number)] = at; }

    // By the thread that exchanges.
    void claimed(const gm::jobs::delivery& job) {
        numbers_[job.id.number] = std::atoll(job.arguments.bytes.c_str() + 5) - 1'000'000'000;
    }
    void settled(const gm::jobs::settlement& end, std::int64_t at) {
        const auto found = numbers_.find(end.which.first);
        if (found == numbers_.end()) return;
        took_.push_back(static_cast<double>(at - started_[static_cast<std::size_t>(found->second)].load()) * 1e-6);
        numbers_.erase(found);
        settled_.fetch_add(1);
    }

    std::int64_t settled() const { return settled_.load(); }
    std::vector<double>& milliseconds() { return took_; }

private:
    std::vector<std::atomic<std::int64_t>> started_;
    std::unordered_map<std::int64_t, std::int64_t> numbers_;
    std::vector<double> took_;
    std::atomic<std::int64_t> settled_{0};
};

class watched_source final : public gm::jobs::source {
public:
    watched_source(std::unique_ptr<source> of, stopwatch& by) : of_(std::move(of)), by_(&by) {}

    gm::result<gm::jobs::exchanged, gm::jobs::store_error> exchange(std::span<const gm::jobs::settlement> finishes,
                                                                    const gm::jobs::demand& wanted) override {
        auto got = of_->exchange(finishes, wanted);
        const std::int64_t now = now_ns();
        if (!got) return got;
        for (std::size_t i = 0; i < finishes.size(); ++i)
            if (got->outcomes[i] == gm::jobs::settled::yes) by_->settled(finishes[i], now);
        for (const gm::jobs::delivery& job : got->jobs) by_->claimed(job);
        return got;
    }
    gm::result<gm::jobs::beaten, gm::jobs::store_error> beat(const gm::jobs::pulse& how) override {
        return of_->beat(how);
    }
    gm::result<gm::jobs::swept, gm::jobs::store_error> sweep() override { return of_->sweep(); }

private:
    std::unique_ptr<source> of_;
    stopwatch* by_;
};

class watched_store final : public gm::jobs::store {
public:
    watched_store(gm::jobs::store& of, stopwatch& by) : of_(&of), by_(&by) {}

    std::string name() const override { return of_->name(); }
    const gm::jobs::feature_table& can() const noexcept override { return of_->can(); }
    gm::jobs::sink& sink() noexcept override { return of_->sink(); }
    gm::jobs::ledger* ledger() noexcept override { return of_->ledger(); }
    gm::result<std::unique_ptr<gm::jobs::source>, gm::jobs::store_error> subscribe(
        const gm::jobs::subscription& how) override {
        auto made = of_->subscribe(how);
        if (!made) return made;
        return std::unique_ptr<gm::jobs::source>(std::make_unique<watched_source>(*std::move(made), *by_));
    }
    gm::jobs::wall_time now() override { return of_->now(); }

private:
    gm::jobs::store* of_;
    stopwatch* by_;
};

inline std::string pooler() {
    const char* const given = std::getenv("BENCH_POOLER");
    if (!given) not_available("only PostgreSQL has poolers, and here pgbouncer is needed");
    return given;
}

// Ten inserters, each a tenth of the rate.
inline void insert_steadily(gm::jobs::store& store, int rate, std::int64_t n, stopwatch& watch) {
    gm::jobs::client client(store);
    std::vector<std::thread> threads;
    const std::int64_t begin = now_ns() + 100'000'000;
    for (int t = 0; t < inserters; ++t)
        threads.emplace_back([&, t] {
            for (std::int64_t i = t; i < n; i += inserters) {
                const std::int64_t due = begin + i * 1'000'000'000 / rate;
                if (const std::int64_t early = due - now_ns(); early > 0) sleep_ns(early);
                watch.started(i, starts(due, now_ns()));
                const auto put = client.insert(job_of(i));
                check(static_cast<bool>(put), put ? "" : put.error().what);
            }
        });
    for (std::thread& thread : threads) thread.join();
}

inline void latency(const std::string& name, int rate, std::int64_t n, const std::string& at) {
    stopwatch watch(n);
    auto inner = open_store(at);
    watched_store store(*inner, watch);
    commit_count commits(*inner);
    gm::jobs::registry kinds;
    kinds.add(kind, [](const gm::jobs::body&) {});
    const gm::context_source until;
    std::thread crew_thread([&] {
        const auto done = gm::jobs::runner(store, kinds, {.workers = crew}).run(until.get());
        check(static_cast<bool>(done), "the run did not end well");
    });
    const double cpu = cpu_seconds();
    timer clock;
    insert_steadily(*inner, rate, n, watch);
    while (watch.settled() < n) sleep_ns(1'000'000);
    const double used = (cpu_seconds() - cpu) / clock.seconds();
    until.cancel();
    crew_thread.join();
    report_latencies(name, watch.milliseconds(), "ms");
    report(name + "/cpu", used * 1e3, "ms/s");
    commits.report_for(name, std::move(inner), n);
}

}  // namespace bench::durable
