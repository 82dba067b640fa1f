#include <algorithm>
#include <utility>

#include "core.hpp"
#include "encode.hpp"
#include "features.hpp"
#include "ledger.hpp"
#include "source.hpp"

namespace gm::stores {

namespace {

using namespace pg;

class postgres_store final : public jobs::store, jobs::sink {
public:
    postgres_store(settings how, const postgres_options& with)
        : core_(std::make_shared<pg::core>(std::move(how), with)), ledger_(*core_) {}

    std::optional<fault> prepare() {
        line first(core_->server, core_->pause);
        return prepare_schema(first, core_->server, core_->ours, core_->options.migrate);
    }

    std::string name() const override { return "postgres://" + core_->server.name; }
    const jobs::feature_table& can() const noexcept override { return features; }
    jobs::sink& sink() noexcept override { return *this; }
    jobs::ledger* ledger() noexcept override { return &ledger_; }

    result<std::unique_ptr<jobs::source>, jobs::store_error> subscribe(const jobs::subscription& how) override {
        if (how.queues.empty() || how.lease.count() <= 0)
            return failure(jobs::store_error{jobs::store_fault::invalid, "a subscription has queues and a lease"});
        return source::open(core_, how);
    }

    // Without the server: this machine's clock.
    jobs::wall_time now() override {
        auto answer = core_->lines.run({"select now_us()"}, repeatable::yes);
        if (answer) return at_us(answer->number(0, 0));
        return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    }

private:
    result<std::vector<jobs::published>, jobs::store_error> publish(std::span<const jobs::new_job> jobs) override {
        auto answer = core_->inserts.publish(jobs);
        // Workers of this process need no word from the server.
        if (answer && !jobs.empty()) {
            const std::string* last = nullptr;
            for (const jobs::new_job& job : jobs)
                if (!last || *last != job.queue) core_->hearing.ring(*(last = &job.queue));
        }
        return answer;
    }

    std::shared_ptr<pg::core> core_;
    pg::ledger ledger_;
};

}  // namespace

result<std::unique_ptr<jobs::store>, jobs::store_error> open_postgres(const std::string& url,
                                                                      const postgres_options& options) {
    const auto invalid = [](std::string what) {
        return failure(jobs::store_error{jobs::store_fault::invalid, std::move(what)});
    };
    auto name = name_of_url(url);
    if (!name) return invalid(name.error());
    if (!is_schema_name(options.schema))
        return invalid("schema: '" + options.schema + "' is not made of lower-case letters, digits and _");
    if (!options.notify_url.empty())
        if (auto fine = name_of_url(options.notify_url); !fine) return invalid("notify_url: " + fine.error());
    auto store = std::make_unique<postgres_store>(
        settings{url, *name, options.schema, options.statement_timeout, options.lock_timeout}, options);
    if (auto why = store->prepare()) return failure(std::move(why->error));
    return std::unique_ptr<jobs::store>(std::move(store));
}

result<std::vector<jobs::published>, jobs::store_error> insert_postgres(pg_conn* connection,
                                                                        std::span<const jobs::new_job> jobs,
                                                                        std::string_view schema) {
    if (jobs.empty()) return publications{};
    if (!is_schema_name(schema))
        return failure(jobs::store_error{jobs::store_fault::invalid, "schema: is no name of one"});
    if (std::string fault = fault_among(jobs, {}); !fault.empty())
        return failure(jobs::store_error{jobs::store_fault::invalid, std::move(fault)});
    return insert_on(connection, jobs, std::string(schema));
}

}  // namespace gm::stores
