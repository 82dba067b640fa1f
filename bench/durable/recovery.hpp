// Recovery: a worker process is killed while it runs jobs. From then until each of them has run again, in the worker that was there all
// the time.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "stores.hpp"

namespace bench::durable {

// A process that takes jobs and never ends one. Made before this process has threads.
class victim {
public:
    explicit victim(std::chrono::microseconds lease) {
        check(::pipe(orders_) == 0 && ::pipe(news_) == 0, "no pipe");
        process_ = ::fork();
        check(process_ >= 0, "no process");
        if (process_ == 0) work(lease);
    }

    void begin() const { check(::write(orders_[1], "", 1) == 1, "the victim does not hear"); }
    void wait_until_it_runs(int jobs) const {
        char one;
        for (; jobs > 0; --jobs) check(::read(news_[0], &one, 1) == 1, "the victim is gone");
    }
    void kill() const {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

private:
    [[noreturn]] void work(std::chrono::microseconds lease) const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never ends by itself, and the measurement may fail
        char one;
        check(::read(orders_[0], &one, 1) == 1, "nobody says when to begin");
        auto store = open_store();
        gm::jobs::registry kinds;
        kinds.add(kind, [this](const gm::jobs::body&) {
            check(::write(news_[1], "", 1) == 1, "nobody hears");
            for (;;) ::pause();
        });
        static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = crew, .lease = lease}).run());
        std::_Exit(0);
    }

    int orders_[2], news_[2];
    pid_t process_;
};

inline void recovery(const std::string& name, std::chrono::microseconds lease) {
    if (scheme() == "memory") not_available("nothing of it outlives the process");
    const victim other(lease);
    auto store = open_store();
    fill(*store, crew);
    other.begin();
    other.wait_until_it_runs(crew);

    gm::jobs::registry kinds;
    const gm::context_source until;
    std::atomic<int> ran{0};
    kinds.add(kind, [&](const gm::jobs::body&) {
        if (ran.fetch_add(1) + 1 == crew) until.cancel();
    });
    gm::jobs::runner survivor(*store, kinds, {.workers = crew, .lease = lease});
    std::int64_t killed = 0;
    std::thread killer([&] {
        // Who declares others dead must have been well for as long as their lease.
        sleep_ns(std::chrono::nanoseconds(lease + std::chrono::seconds(1)).count());
        killed = now_ns();
        other.kill();
    });
    const auto done = survivor.run(until.get());
    const std::int64_t over = now_ns();
    killer.join();
    check(static_cast<bool>(done) && done.counts.completed == crew && over > killed, "they did not run again");
    report(name, static_cast<double>(over - killed) * 1e-9, "s");
}

// What a waiting job takes on the disk, with its indexes.
inline void storage(const std::string& name) {
    if (scheme() == "memory") not_available("it lies on no disk");
    const std::int64_t n = scaled(100'000);
    const auto bytes = [] {
        if (scheme() == "postgres") {
            const auto at = connect();
            return std::atof(PQgetvalue(ask(at.get(), "select pg_total_relation_size('gristmill.job')").get(), 0, 0));
        }
        const std::string file = url().substr(url().find(':') + 1);
        return static_cast<double>(std::filesystem::file_size(file));  // closed, its log is in it
    };
    open_store();
    const double before = bytes();
    fill(*open_store(), n);
    report(name, (bytes() - before) / static_cast<double>(n), "bytes a job");
}

}  // namespace bench::durable
