// The memory store is the suite's reference model: it runs on a clock that the tests move.
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
        house_ = std::make_shared<gm::stores::in_memory::house>(gm::stores::memory_options{.limits = limits},
                                                                [this] { return now_; });
        return gm::stores::in_memory::open(house_);
    }
    void let_pass(std::chrono::microseconds time) override { now_ += time; }
    std::chrono::microseconds lease() const override { return std::chrono::seconds(15); }
    // Nothing more is heard of it.
    void crash(std::unique_ptr<gm::jobs::source> source) override { dead_.push_back(std::move(source)); }

private:
    std::shared_ptr<gm::stores::in_memory::house> house_;
    gm::jobs::wall_time now_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
    std::vector<std::unique_ptr<gm::jobs::source>> dead_;
};

}  // namespace

GRISTMILL_CONFORMANCE(memory, memory_harness);
