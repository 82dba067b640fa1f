#pragma once
// dry_run: what was in the queue and what each worker did, moment by moment, as a table to print. Its marks are made by
// whoever knows: the bodies themselves, or a pool's observer. It goes by gm::now(), so it serves a real run too.
//
//     | Time | Jobs queue  | Worker 1 | Worker 2 | Worker 3 |
//     |------|-------------|----------|----------|----------|
//     | 0s   | [1,2,3,4,5] | Idle     | Idle     | Idle     |
//     | 0s   | [4,5]       | Job 1    | Job 2    | Job 3    |
//     | 1s   | [4,5]       | Done (1) | Done (2) | Done (3) |
//
// What happens at one moment is shown in the order of the work: first what was queued and what was finished, then what was
// begun. In a virtual world there is no other order.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/lock.hpp>

namespace gm {

template <class Job>
concept printable_job = requires(std::ostream& out, const Job& job) { out << job; };

// Thread safety: the marks, from any thread.
class dry_run {
public:
    dry_run() noexcept = default;
    dry_run(const dry_run&) = delete;
    dry_run& operator=(const dry_run&) = delete;

    // Forgets everything; the table's time starts now. Workers that never got a job have a column, too.
    void begin(std::size_t workers = 0);

    // `job` is in the queue; worker number `worker` took it out and works on it; it is done with it. Workers count from 0, as
    // everywhere (job::worker, an observer's events); the table, which is for people, calls the first one Worker 1.
    template <printable_job Job>
    void queued(const Job& job) {
        mark(kind::queued, nobody, print(job));
    }
    template <printable_job Job>
    void started(std::size_t worker, const Job& job) {
        mark(kind::started, worker, print(job));
    }
    template <printable_job Job>
    void finished(std::size_t worker, const Job& job) {
        mark(kind::finished, worker, print(job));
    }

    // A remark on this moment: the table then has a column for remarks.
    void note(std::string text) { mark(kind::note, nobody, std::move(text)); }

    // The table as Markdown.
    std::string text() const;
    friend std::ostream& operator<<(std::ostream& out, const dry_run& table) { return out << table.text(); }

private:
    enum class kind : std::uint8_t { queued, finished, started, note };
    static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
    struct event {
        time_point when;
        kind what;
        std::size_t worker;
        std::string job;
    };
    struct painter;

    template <class Job>
    static std::string print(const Job& job) {
        std::ostringstream out;
        out << job;
        return std::move(out).str();
    }
    void mark(kind what, std::size_t worker, std::string job);

    mutable detail::lock guard_;  // protects what follows
    std::vector<event> events_;
    std::size_t workers_ = 0;
    time_point start_{};
    bool begun_ = false;
};

}  // namespace gm
