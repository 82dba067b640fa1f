#pragma once
// A ledger that has a cron table and nothing else, for tests of what fires it. It can be told to fail.

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

class cron_table : public gm::jobs::ledger {
    template <class T>
    using answer = gm::result<T, gm::jobs::store_error>;
    static auto not_here() {
        return gm::failure(gm::jobs::store_error{gm::jobs::store_fault::unsupported, "not here"});
    }

public:
    // ---- what a test looks at and sets ----
    std::vector<gm::jobs::new_job> inserted;
    std::map<std::string, gm::jobs::store_error> fails;        // to fire that entry
    std::map<std::string, gm::jobs::store_error> answer_lost;  // the same, but it happens
    std::function<void()> between;  // called when somebody has read the table and not yet fired
    gm::jobs::cron_entry get(const std::string& name) {
        const std::lock_guard held(lock_);
        return entries_.at(name);
    }
    std::vector<gm::jobs::wall_time> run_times() {
        const std::lock_guard held(lock_);
        std::vector<gm::jobs::wall_time> times;
        for (const auto& job : inserted) times.push_back(job.run_at);
        return times;
    }

    // ---- the table ----
    answer<bool> put_cron(const gm::jobs::cron_entry& entry) override {
        const std::lock_guard held(lock_);
        const bool is_new = !entries_.contains(entry.name);
        auto& kept = entries_[entry.name];
        const bool same = kept.line == entry.line && kept.zone == entry.zone;
        const auto next = same ? kept.next : entry.next;
        const auto last = same ? kept.last : entry.last;
        kept = entry;
        kept.next = next;
        kept.last = last;
        return is_new;
    }
    answer<bool> remove_cron(const std::string& name) override {
        const std::lock_guard held(lock_);
        return entries_.erase(name) != 0;
    }
    answer<std::vector<gm::jobs::cron_entry>> crons() override {
        std::vector<gm::jobs::cron_entry> all;
        std::function<void()> call;
        {
            const std::lock_guard held(lock_);
            for (const auto& [name, entry] : entries_) all.push_back(entry);
            call = std::exchange(between, {});
        }
        if (call) call();
        return all;
    }
    answer<bool> fire(const std::string& name, gm::jobs::wall_time expected, gm::jobs::wall_time next,
                      std::span<const gm::jobs::new_job> jobs) override {
        const std::lock_guard held(lock_);
        if (const auto error = fails.find(name); error != fails.end()) return gm::failure(error->second);
        const auto at = entries_.find(name);
        if (at == entries_.end() || at->second.paused || at->second.next != expected) return false;
        at->second.next = next;
        if (!jobs.empty()) at->second.last = expected;
        inserted.insert(inserted.end(), jobs.begin(), jobs.end());
        if (const auto error = answer_lost.find(name); error != answer_lost.end()) return gm::failure(error->second);
        return true;
    }

    // ---- the rest of a ledger ----
    answer<std::optional<gm::jobs::record>> find(gm::jobs::job_id) override { return not_here(); }
    answer<std::vector<gm::jobs::record>> list(const gm::jobs::filter&, const gm::jobs::page&) override {
        return not_here();
    }
    answer<std::uint64_t> count(const gm::jobs::filter&) override { return not_here(); }
    answer<std::vector<gm::jobs::queue_report>> queues() override { return not_here(); }
    answer<std::vector<gm::jobs::worker_report>> workers() override { return not_here(); }
    answer<std::vector<gm::jobs::log_part>> logs(gm::jobs::job_id) override { return not_here(); }
    answer<std::uint64_t> cancel(const gm::jobs::filter&) override { return not_here(); }
    answer<std::uint64_t> retry(const gm::jobs::filter&) override { return not_here(); }
    answer<std::uint64_t> remove(const gm::jobs::filter&) override { return not_here(); }
    answer<std::uint64_t> set_priority(const gm::jobs::filter&, int) override { return not_here(); }
    answer<bool> pause(const std::string&, bool) override { return not_here(); }
    answer<bool> limit(const std::string&, const gm::jobs::queue_limits&) override { return not_here(); }
    answer<std::uint64_t> scale(std::int64_t, unsigned) override { return not_here(); }
    answer<bool> retain(const gm::jobs::retention&) override { return not_here(); }
    answer<std::vector<gm::jobs::settled>> note(std::span<const gm::jobs::job_note>) override { return not_here(); }
    answer<std::vector<gm::jobs::step>> steps(gm::jobs::job_id) override { return not_here(); }
    answer<gm::jobs::settled> put_step(gm::jobs::token, const gm::jobs::step&) override { return not_here(); }

private:
    std::mutex lock_;
    std::map<std::string, gm::jobs::cron_entry> entries_;
};
