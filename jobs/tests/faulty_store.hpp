#pragma once
// A store that fails when it is told to: before the call (nothing happened) or after it (it happened, and the answer is lost),
// that hangs, and whose workers can be killed. It keeps the books: which claims were accepted as ended, and how often, and when
// which number of ends was presented in one call.
//
// A killed worker hears nothing more from the store and says nothing more to it; its claims stay with it until its lease has
// run out, as if its process had died.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/store.hpp>
#include <gristmill/timer.hpp>

namespace gm::test {

enum class call : std::uint8_t { subscribe, publish, exchange, beat, sweep, count, note, steps, put_step };
enum class fault : std::uint8_t { none, before, after };

class faulty_store final : public jobs::store {
public:
    using decide = std::function<fault(call)>;  // from any thread; may sleep: then the store hangs

    explicit faulty_store(std::unique_ptr<jobs::store> behind, decide how = {})
        : inner_(std::move(behind)), how_(std::move(how)), sink_(*this), ledger_(*this) {}

    std::string name() const override { return inner_->name(); }
    const jobs::feature_table& can() const noexcept override { return inner_->can(); }
    jobs::sink& sink() noexcept override { return sink_; }
    jobs::ledger* ledger() noexcept override { return &ledger_; }
    jobs::wall_time now() override { return inner_->now(); }
    result<std::unique_ptr<jobs::source>, jobs::store_error> subscribe(const jobs::subscription& how) override;

    void kill_workers() {
        const std::lock_guard hold(guard_);
        for (const auto& each : lives_) each->store(false);
        lives_.clear();
    }

    // The beats of the worker with that name do not arrive.
    void mute(const std::string& worker, bool muted = true) {
        const std::lock_guard hold(guard_);
        if (muted)
            muted_.insert(worker);
        else
            muted_.erase(worker);
    }

    // Whatever there is to claim, as a store does that also rings by the clock.
    void ring() {
        const std::lock_guard hold(guard_);
        for (const auto& each : bells_)
            if (each) each();
    }

    // ---- the books ----
    struct book {
        int deliveries = 0, ends = 0;  // claims; claims whose end (not its going back) was accepted
        bool started_after_end = false;
    };
    std::map<jobs::job_id, book> books() {
        const std::lock_guard hold(guard_);
        return books_;
    }
    std::size_t delivered() {
        const std::lock_guard hold(guard_);
        return delivered_;
    }
    struct presented {  // a call of exchange that had ends with it
        time_point at;
        std::size_t ends;
    };
    std::vector<presented> presentations() {
        const std::lock_guard hold(guard_);
        return presented_;
    }

private:
    class faulty_source;

    template <class F>
    auto perform(call what, F inner) -> decltype(inner()) {
        const fault now = how_ ? how_(what) : fault::none;
        if (now == fault::before) return failure(away());
        auto answer = inner();
        if (now == fault::after) return failure(away());
        return answer;
    }
    bool is_mute(const std::string& worker) {
        const std::lock_guard hold(guard_);
        return muted_.contains(worker);
    }
    static jobs::store_error away() { return {jobs::store_fault::unreachable, "the store is away"}; }
    void presents(std::size_t ends) {
        const std::lock_guard hold(guard_);
        if (ends != 0) presented_.push_back({gm::now(), ends});
    }
    void delivered(const std::vector<jobs::delivery>& all);
    void settled(std::span<const jobs::settlement> finishes, const std::vector<jobs::settled>& outcomes);

    class faulty_sink final : public jobs::sink {
    public:
        explicit faulty_sink(faulty_store& of) : of_(of) {}
        result<std::vector<jobs::published>, jobs::store_error> publish(std::span<const jobs::new_job> all) override {
            return of_.perform(call::publish, [&] { return of_.inner_->sink().publish(all); });
        }

    private:
        faulty_store& of_;
    };

    class faulty_ledger final : public jobs::ledger {
    public:
        template <class T>
        using answer = result<T, jobs::store_error>;
        explicit faulty_ledger(faulty_store& of) : of_(of) {}
        jobs::ledger& inner() { return *of_.inner_->ledger(); }
        answer<std::optional<jobs::record>> find(jobs::job_id id) override { return inner().find(id); }
        answer<std::vector<jobs::record>> list(const jobs::filter& which, const jobs::page& part) override {
            return inner().list(which, part);
        }
        answer<std::uint64_t> count(const jobs::filter& which) override {
            return of_.perform(call::count, [&] { return inner().count(which); });
        }
        answer<std::vector<jobs::queue_report>> queues() override { return inner().queues(); }
        answer<std::vector<jobs::worker_report>> workers() override { return inner().workers(); }
        answer<std::vector<jobs::log_part>> logs(jobs::job_id id) override { return inner().logs(id); }
        answer<std::uint64_t> cancel(const jobs::filter& which) override { return inner().cancel(which); }
        answer<std::uint64_t> retry(const jobs::filter& which) override { return inner().retry(which); }
        answer<std::uint64_t> remove(const jobs::filter& which) override { return inner().remove(which); }
        answer<std::uint64_t> set_priority(const jobs::filter& which, int p) override {
            return inner().set_priority(which, p);
        }
        answer<bool> pause(const std::string& queue, bool paused) override { return inner().pause(queue, paused); }
        answer<bool> limit(const std::string& queue, const jobs::queue_limits& limits) override {
            return inner().limit(queue, limits);
        }
        answer<std::uint64_t> scale(std::int64_t worker, unsigned n) override { return inner().scale(worker, n); }
        answer<bool> retain(const jobs::retention& how) override { return inner().retain(how); }
        answer<bool> put_cron(const jobs::cron_entry& entry) override { return inner().put_cron(entry); }
        answer<bool> remove_cron(const std::string& name) override { return inner().remove_cron(name); }
        answer<std::vector<jobs::cron_entry>> crons() override { return inner().crons(); }
        answer<bool> fire(const std::string& name, jobs::wall_time expected, jobs::wall_time next,
                          std::span<const jobs::new_job> jobs) override {
            return inner().fire(name, expected, next, jobs);
        }
        answer<std::vector<jobs::settled>> note(std::span<const jobs::job_note> notes) override {
            return of_.perform(call::note, [&] { return inner().note(notes); });
        }
        answer<std::vector<jobs::step>> steps(jobs::job_id id) override {
            return of_.perform(call::steps, [&] { return inner().steps(id); });
        }
        answer<jobs::settled> put_step(jobs::token which, const jobs::step& done) override {
            return of_.perform(call::put_step, [&] { return inner().put_step(which, done); });
        }

    private:
        faulty_store& of_;
    };

    std::unique_ptr<jobs::store> inner_;
    decide how_;
    faulty_sink sink_;
    faulty_ledger ledger_;

    std::mutex guard_;  // protects what follows
    std::vector<std::shared_ptr<std::atomic<bool>>> lives_;
    std::vector<std::unique_ptr<jobs::source>> dead_;
    std::set<std::string> muted_;
    std::vector<std::function<void()>> bells_;
    std::map<jobs::token, jobs::job_id> claims_;
    std::map<jobs::token, bool> ended_;
    std::map<jobs::job_id, book> books_;
    std::size_t delivered_ = 0;
    std::vector<presented> presented_;
};

class faulty_store::faulty_source final : public jobs::source {
public:
    faulty_source(faulty_store& of, std::unique_ptr<jobs::source> inner, std::shared_ptr<std::atomic<bool>> alive,
                  std::string worker)
        : of_(of), inner_(std::move(inner)), alive_(std::move(alive)), worker_(std::move(worker)) {}
    ~faulty_source() override {
        const std::lock_guard hold(of_.guard_);
        if (!*alive_) of_.dead_.push_back(std::move(inner_));
    }

    result<jobs::exchanged, jobs::store_error> exchange(std::span<const jobs::settlement> finishes,
                                                        const jobs::demand& wanted) override {
        if (!*alive_) return failure(away());
        of_.presents(finishes.size());
        return of_.perform(call::exchange, [&] {
            auto answer = inner_->exchange(finishes, wanted);
            if (answer) {
                of_.settled(finishes, answer->outcomes);
                of_.delivered(answer->jobs);
            }
            return answer;
        });
    }
    result<jobs::beaten, jobs::store_error> beat(const jobs::pulse& how) override {
        if (!*alive_ || of_.is_mute(worker_)) return failure(away());
        return of_.perform(call::beat, [&] { return inner_->beat(how); });
    }
    result<jobs::swept, jobs::store_error> sweep() override {
        if (!*alive_) return failure(away());
        return of_.perform(call::sweep, [&] { return inner_->sweep(); });
    }

private:
    faulty_store& of_;
    std::unique_ptr<jobs::source> inner_;
    std::shared_ptr<std::atomic<bool>> alive_;
    const std::string worker_;
};

inline result<std::unique_ptr<jobs::source>, jobs::store_error> faulty_store::subscribe(const jobs::subscription& how) {
    return perform(call::subscribe, [&]() -> result<std::unique_ptr<jobs::source>, jobs::store_error> {
        auto opened = inner_->subscribe(how);
        if (!opened) return opened;
        auto alive = std::make_shared<std::atomic<bool>>(true);
        {
            const std::lock_guard hold(guard_);
            lives_.push_back(alive);
            bells_.push_back(how.bell);
        }
        return std::unique_ptr<jobs::source>(
            std::make_unique<faulty_source>(*this, *std::move(opened), std::move(alive), how.worker));
    });
}

inline void faulty_store::delivered(const std::vector<jobs::delivery>& all) {
    const std::lock_guard hold(guard_);
    delivered_ += all.size();
    for (const jobs::delivery& each : all) {
        claims_[each.which] = each.id;
        book& of = books_[each.id];
        ++of.deliveries;
        of.started_after_end |= of.ends != 0;
    }
}

inline void faulty_store::settled(std::span<const jobs::settlement> finishes,
                                  const std::vector<jobs::settled>& outcomes) {
    const std::lock_guard hold(guard_);
    for (std::size_t i = 0; i != finishes.size(); ++i) {
        const bool is_end = finishes[i].what == jobs::verdict::completed || finishes[i].what == jobs::verdict::dead ||
                            finishes[i].what == jobs::verdict::cancelled;
        if (outcomes[i] != jobs::settled::yes || !is_end) continue;
        if (!std::exchange(ended_[finishes[i].which], true)) ++books_[claims_[finishes[i].which]].ends;
    }
}

}  // namespace gm::test
