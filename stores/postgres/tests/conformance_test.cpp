// The suite of all stores, on a real server: straight, and through a pooler in transaction mode.
#include <conformance/conformance.hpp>

#include <thread>

#include "proxy.hpp"
#include "server.hpp"

namespace {

// Between the store and its server.
class wire final : public gm::test::lossy_wire {
public:
    wire(const std::string& url, const std::string& schema)
        : between_(url), store_(gm::test::open_store(between_.url(), {.schema = schema})) {}
    gm::jobs::store& store() override { return *store_; }
    void lose_next(answer to) override {
        between_.swallow_next_answer(to == answer::publish ? "select put" : "select settle");
    }

private:
    gm::test::proxy between_;
    std::unique_ptr<gm::jobs::store> store_;
};

class postgres_harness : public gm::test::store_harness {
public:
    explicit postgres_harness(std::string url = gm::test::server::shared().url()) : url_(std::move(url)) {}

    std::unique_ptr<gm::jobs::store> open() override { return open(gm::jobs::size_limits{}); }
    std::unique_ptr<gm::jobs::store> open(const gm::jobs::size_limits& limits) override {
        return gm::test::open_store(url_, {.schema = schema_, .limits = limits});
    }
    std::unique_ptr<gm::test::lossy_wire> open_over_wire() override { return std::make_unique<wire>(url_, schema_); }
    void let_pass(std::chrono::microseconds time) override { std::this_thread::sleep_for(time); }
    bool set_clock(std::chrono::microseconds by) override {
        set_by_ += by.count();
        return gm::test::plain_connection(gm::test::server::shared().url())
            .tell("create or replace function " + schema_ +
                  ".now_us() returns bigint language sql volatile parallel safe as 'select (extract(epoch from "
                  "clock_timestamp()) * 1000000)::bigint + " +
                  std::to_string(set_by_) + "'");
    }
    std::chrono::microseconds lease() const override { return std::chrono::seconds(1); }
    std::size_t random_steps() const override { return 1000; }
    bool remembers_old_ends() const override { return false; }  // a job keeps the epoch of its last claim alone
    void crash(std::unique_ptr<gm::jobs::source> source) override { dead_.push_back(std::move(source)); }

private:
    const std::string url_;
    const std::string schema_ = gm::test::fresh_schema();
    std::int64_t set_by_ = 0;
    std::vector<std::unique_ptr<gm::jobs::source>> dead_;  // nothing more is heard of them
};

class pooled_harness final : public postgres_harness {
public:
    pooled_harness() : postgres_harness(gm::test::server::shared().pooled_url()) {}
};

}  // namespace

GRISTMILL_CONFORMANCE(postgres, postgres_harness);
GRISTMILL_CONFORMANCE(pgbouncer, pooled_harness);
