// The suite of all stores, on a file of its own for each test and on clocks that the tests move.
#include <conformance/conformance.hpp>

#include <gristmill/stores/sqlite.hpp>

#include "../src/clock.hpp"
#include "../src/source.hpp"
#include "scratch.hpp"

namespace {

class sqlite_harness final : public gm::test::store_harness {
public:
    sqlite_harness() { gm::stores::sqlite::stand_still(true); }
    ~sqlite_harness() override {
        gm::stores::sqlite::set_wall(-set_by_);
        gm::stores::sqlite::stand_still(false);
    }

    std::unique_ptr<gm::jobs::store> open() override { return open(gm::jobs::size_limits{}); }
    std::unique_ptr<gm::jobs::store> open(const gm::jobs::size_limits& limits) override {
        auto made = gm::stores::open_sqlite(where_.file("work.db"), {.limits = limits});
        if (!made) {
            ADD_FAILURE() << made.error().what;
            return nullptr;
        }
        return std::move(*made);
    }
    void let_pass(std::chrono::microseconds time) override { gm::stores::sqlite::let_pass(time.count()); }
    bool set_clock(std::chrono::microseconds by) override {
        gm::stores::sqlite::set_wall(by.count());
        set_by_ += by.count();
        return true;
    }
    std::chrono::microseconds lease() const override { return std::chrono::seconds(15); }
    void crash(std::unique_ptr<gm::jobs::source> source) override {
        dynamic_cast<gm::stores::sqlite::file_source&>(*source).abandon();
    }
    bool time_is_virtual() const override { return true; }
    std::size_t scaled(std::size_t jobs) const override { return jobs; }

private:
    gm::test::scratch where_;
    std::int64_t set_by_ = 0;
};

}  // namespace

GRISTMILL_CONFORMANCE(sqlite, sqlite_harness);
