// The memory store is the suite's reference model: it runs on a clock that the tests move.
#include <atomic>
#include <chrono>
#include <vector>

#include <conformance/conformance.hpp>

#include "../src/store.hpp"

namespace {

class memory_harness final : public gm::test::store_harness {
public:
    std::unique_ptr<gm::jobs::store> open() override {
        if (!house_) return open(gm::jobs::size_limits{});
        return gm::stores::in_memory::open(house_);
    }
    std::unique_ptr<gm::jobs::store> open(const gm::jobs::size_limits& limits) override {
        house_ = std::make_shared<gm::stores::in_memory::house>(gm::stores::memory_options{.limits = limits}, [this] {
            return start + std::chrono::microseconds(passed_);
        });
        return gm::stores::in_memory::open(house_);
    }
    void let_pass(std::chrono::microseconds time) override { passed_ += time.count(); }
    bool time_is_virtual() const override { return true; }
    std::chrono::microseconds lease() const override { return std::chrono::seconds(15); }
    // Nothing more is heard of it.
    void crash(std::unique_ptr<gm::jobs::source> source) override { dead_.push_back(std::move(source)); }

private:
    std::shared_ptr<gm::stores::in_memory::house> house_;
    static constexpr gm::jobs::wall_time start = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
    std::atomic<std::int64_t> passed_ = 0;  // read by whoever uses the store
    std::vector<std::unique_ptr<gm::jobs::source>> dead_;
};

}  // namespace

GRISTMILL_CONFORMANCE(memory, memory_harness);
