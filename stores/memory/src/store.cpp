// The store, its sink and its sources.
#include "store.hpp"

#include <chrono>
#include <utility>

#include <gristmill/timer.hpp>

#include "ledger.hpp"

namespace gm::stores::in_memory {

namespace {

constexpr feature_table can_do = [] {
    feature_table table;
    for (supported& each : table) each.how = support::yes;
    for (feature none :
         {feature::survives_power_cut, feature::many_machines, feature::your_transaction, feature::plain_sql})
        table[static_cast<std::size_t>(none)].how = support::no;
    return table;
}();

class memory_source final : public source {
public:
    memory_source(std::shared_ptr<house> at, const subscription& how) : house_(std::move(at)) {
        const visit here(*house_);
        house_->enlist(worker_, how);
    }

    ~memory_source() override {
        {
            const visit here(*house_);
            house_->discharge(worker_);
        }
        if (worker_.rings) worker_.rings->silence();
    }

    result<exchanged, store_error> exchange(std::span<const settlement> finishes, const demand& wanted) override {
        exchanged done;
        done.outcomes.reserve(finishes.size());
        const visit here(*house_);
        for (const settlement& each : finishes)
            if (each.result.bytes.size() > house_->limits.result)
                return failure(store_error{store_fault::invalid,
                                           "result: " + std::to_string(each.result.bytes.size()) + " bytes, of " +
                                               std::to_string(house_->limits.result) + " allowed"});
        const bool looks = wanted.idle + wanted.ahead != 0;
        if (looks) worker_.rung = true;  // it is looking: what its own finishes make free needs no bell
        for (const settlement& each : finishes) done.outcomes.push_back(house_->settle(worker_, each));
        house_->claim_for(worker_, wanted, done);
        if (looks) worker_.rung = false;
        return done;
    }

    result<beaten, store_error> beat(const pulse& how) override {
        const visit here(*house_);
        return house_->beat(worker_, how);
    }

    result<swept, store_error> sweep() override {
        const visit here(*house_);
        return house_->sweep(worker_);
    }

private:
    std::shared_ptr<house> house_;
    worker worker_;
};

class memory_store final : public store, public sink {
public:
    explicit memory_store(std::shared_ptr<house> what) : house_(std::move(what)), ledger_(*house_) {}

    std::string name() const override { return "memory:"; }
    const feature_table& can() const noexcept override { return can_do; }
    jobs::sink& sink() noexcept override { return *this; }
    jobs::ledger* ledger() noexcept override { return &ledger_; }

    result<std::unique_ptr<source>, store_error> subscribe(const subscription& how) override {
        if (how.queues.empty()) return failure(store_error{store_fault::invalid, "subscribe: no queue is named"});
        if (how.lease.count() <= 0)
            return failure(store_error{store_fault::invalid, "subscribe: the lease has no length"});
        return std::unique_ptr<source>(std::make_unique<memory_source>(house_, how));
    }

    wall_time now() override {
        const visit here(*house_);
        return house_->now;
    }

    result<std::vector<published>, store_error> publish(std::span<const new_job> jobs) override {
        const visit here(*house_);
        if (std::string fault = house_->fault_of_all(jobs); !fault.empty())
            return failure(store_error{store_fault::invalid, std::move(fault)});
        return house_->insert_all(jobs);
    }

private:
    std::shared_ptr<house> house_;
    memory_ledger ledger_;
};

}  // namespace

const feature_table& what_it_can() noexcept { return can_do; }

std::unique_ptr<jobs::store> open(std::shared_ptr<house> what) {
    return std::make_unique<memory_store>(std::move(what));
}

}  // namespace gm::stores::in_memory

namespace gm::stores {

std::unique_ptr<jobs::store> open_memory(const memory_options& options) {
    jobs::wall_time start = options.start;
    if (start == jobs::wall_time{})
        start = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto time = [start, opened = gm::now()] {
        return start + std::chrono::duration_cast<std::chrono::microseconds>(gm::now() - opened);
    };
    return in_memory::open(std::make_shared<in_memory::house>(options, time));
}

}  // namespace gm::stores
