// gristmill's durable jobs, by its own interface and with default settings.
#include <optional>
#include <semaphore>
#include <thread>

#include "latency.hpp"
#include "recovery.hpp"
#include "stores.hpp"

namespace {

using namespace bench;
using namespace bench::durable;
using gm::jobs::client;
using gm::jobs::queue_limits;

void single(const std::string& name) {
    const std::int64_t n = scaled(100'000);
    auto store = open_store();
    client jobs(*store);
    commit_count commits(*store);
    insert_singly(name, n, [&](int) {
        return [&](std::int64_t number) {
            const auto put = jobs.insert(job_of(number));
            check(put && !put->duplicate, put ? "a duplicate" : put.error().what);
        };
    });
    commits.report_for(name, std::move(store), n);
}

void bulk(const std::string& name) {
    const std::int64_t n = scaled(100'000);
    auto store = open_store();
    std::vector<gm::jobs::new_job> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(job_of(i));
    client jobs(*store);
    timer clock;
    const auto put = jobs.insert_all(std::move(all));
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
    check(put && put->size() == static_cast<std::size_t>(n), put ? "not all of them" : put.error().what);
}

// Drains the first `n` jobs of the store with the default settings of a runner.
void drain(const std::string& name, std::unique_ptr<gm::jobs::store> store, std::int64_t n, bool all = true) {
    counter ran;
    gm::jobs::registry kinds;
    const gm::context_source until;
    kinds.add(kind, [&](const gm::jobs::body& arguments) {
        check(arguments.bytes.size() == arguments_of(0).size(), "these are not its arguments");
        if (ran.value.fetch_add(1, std::memory_order_relaxed) + 1 == n) until.cancel();
    });
    commit_count commits(*store);
    timer clock;
    gm::jobs::runner work(*store, kinds, {.workers = crew, .until_idle = all});
    const auto done = work.run(all ? gm::context{} : until.get());
    const double seconds = clock.seconds();
    check(static_cast<bool>(done), "the run did not end well");
    const auto completed = static_cast<std::int64_t>(done.counts.completed);
    check(all ? completed == n : completed >= n,
          std::to_string(completed) + " of " + std::to_string(n) + " are completed");
    report(name, static_cast<double>(completed) / seconds, "jobs/s");
    commits.report_for(name, std::move(store), completed);
}

// A worker process of its own opens the store anew; what is in memory is gone then.
std::unique_ptr<gm::jobs::store> filled(std::int64_t n) {
    auto store = open_store();
    fill(*store, n);
    return scheme() == "memory" ? std::move(store) : open_store();
}

void drain_all(const std::string& name) {
    const std::int64_t n = scaled(200'000);
    drain(name, filled(n), n);
}

void set(gm::jobs::store& store, const queue_limits& limits) {
    const auto done = store.ledger()->limit(queue, limits);
    check(static_cast<bool>(done), done ? "" : done.error().what);
}

// What waits has waited for a while: what PostgreSQL does when many rows are new is behind it.
void settle_down() {
    if (scheme() == "postgres") ask(connect().get(), "vacuum analyze gristmill.job");
}

// With limits, or fair shares, over so many keys; and `piled` more jobs of one key that is saturated by another worker.
void limited(const std::string& name, const queue_limits& limits, std::int64_t n, std::int64_t piled = 0,
             std::int64_t keys = 100) {
    auto store = open_store();
    set(*store, limits);
    std::unique_ptr<gm::jobs::source> other;
    if (piled > 0) {
        fill(*store, piled, [](std::int64_t) { return std::string("full"); });
        other = std::move(*store->subscribe({.worker = "holder", .lease = std::chrono::hours(1)}));
        const auto held = other->exchange({}, {.idle = limits.running_per_key});
        check(held && held->jobs.size() == limits.running_per_key, "the key is not saturated");
        check(static_cast<bool>(other->beat({.workers = crew, .busy = crew})), "it has not told its crew");
    }
    fill(*store, n, [keys](std::int64_t number) { return "key " + std::to_string(number % keys); });
    if (piled > 0) settle_down();
    drain(name, std::move(store), n, piled == 0);
}

// A crew that goes on and on: rounds of jobs that are put in while it is not let to them.
class standing_crew {
public:
    standing_crew() {
        kinds_.add(kind, [this](const gm::jobs::body&) {
            if (left_.value.fetch_sub(1, std::memory_order_relaxed) == 1) over_.release();
        });
        runner_.emplace(*store_, kinds_, gm::jobs::runner_options{.workers = crew});
        thread_ = std::thread([this] { ended_well_ = static_cast<bool>(runner_->run(until_.get())); });
    }
    standing_crew(const standing_crew&) = delete;
    standing_crew& operator=(const standing_crew&) = delete;
    ~standing_crew() {
        until_.cancel();
        thread_.join();
        check(ended_well_, "the run did not end well");
    }

    double seconds_for(std::int64_t n) {
        let(false);
        fill(*store_, n);
        left_.value = n;
        timer clock;
        let(true);
        over_.acquire();
        return clock.seconds();
    }

private:
    void let(bool work) {
        check(static_cast<bool>(store_->ledger()->pause(queue, !work)), "the queue does not change");
    }

    std::unique_ptr<gm::jobs::store> store_ = open_store();
    gm::jobs::registry kinds_;
    gm::context_source until_;
    counter left_;
    std::binary_semaphore over_{0};
    bool ended_well_ = false;
    std::optional<gm::jobs::runner> runner_;
    std::thread thread_;
};

void snapshot(const std::string& name) {
    if (scheme() != "postgres") not_available("no reader holds up anything there");
    open_store();
    const auto reader = connect();
    ask(reader.get(), "begin isolation level repeatable read");
    ask(reader.get(), "select count(*) from pg_class");
    const std::int64_t n = scaled(200'000);
    {
        standing_crew work;
        for (std::int64_t left = backlog(0); left > 0; left -= n) work.seconds_for(std::min(left, n));
        report(name, static_cast<double>(n) / work.seconds_for(n), "jobs/s");
    }
    // A worker that comes anew does not know up to where all has been claimed.
    timer clock;
    finish(1);
    report(name + "/newcomer", clock.seconds(), "s");
    ask(reader.get(), "commit");
}

void waiting(const std::string& name) {
    const std::int64_t n = scaled(200'000);
    auto store = filled(n + backlog(1'000'000));
    settle_down();
    drain(name, std::move(store), n, false);
}

void finished(const std::string& name) {
    if (scheme() == "memory") not_available("nothing of it outlives the process");
    finish(backlog(1'000'000));
    drain_all(name);
}

}  // namespace

int main(int argc, char** argv) {
    const queue_limits bounded{.running = 1'000, .running_per_key = 10, .fair = true};
    return run(
        argc, argv,
        {{"D1/single", single},
         {"D1/bulk", bulk},
         {"D2/drain", drain_all},
         {"D2/fair", [](const std::string& name) { limited(name, {.fair = true}, scaled(200'000)); }},
         {"D2/limits", [&](const std::string& name) { limited(name, bounded, scaled(200'000)); }},
         {"D2/key2M", [&](const std::string& name) { limited(name, bounded, scaled(200'000), backlog(200'000)); }},
         {"D2/keys10k", [&](const std::string& name) { limited(name, bounded, scaled(200'000), 0, 10'000); }},
         {"D2/snapshot", snapshot},
         {"D3/200", [](const std::string& name) { latency(name, 200, scaled(2'000), url()); }},
         {"D3/2000", [](const std::string& name) { latency(name, 2'000, scaled(10'000), url()); }},
         {"D3/pooler200", [](const std::string& name) { latency(name, 200, scaled(2'000), pooler()); }},
         {"D3/pooler2000", [](const std::string& name) { latency(name, 2'000, scaled(10'000), pooler()); }},
         {"D4/waiting", waiting},
         {"D4/finished", finished},
         {"recovery/default", [](const std::string& name) { recovery(name, gm::jobs::runner_options().lease); }},
         {"recovery/lease2s", [](const std::string& name) { recovery(name, std::chrono::seconds(2)); }},
         {"storage/waiting", storage}});
}
