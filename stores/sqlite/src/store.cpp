#include "store.hpp"

#include <unistd.h>

#include "insert.hpp"

namespace gm::stores::sqlite {

using jobs::feature;
using jobs::store_error;
using jobs::support;

namespace {

constexpr jobs::feature_table table_of(bool full) {
    jobs::feature_table table{};
    for (jobs::supported& each : table) each = {support::yes, {}};
    const auto at = [&table](feature which) -> jobs::supported& { return table[static_cast<std::size_t>(which)]; };
    if (!full) at(feature::survives_power_cut) = {support::partly, "the last commits may be lost"};
    at(feature::many_machines) = {support::no, {}};
    at(feature::plain_sql) = {support::no, {}};
    at(feature::your_transaction) = {support::yes, {}};
    return table;
}

constexpr jobs::feature_table features_full = table_of(true), features_normal = table_of(false);

std::string checked(const std::string& path, const sqlite_options& options) {
    std::string real = real_path(path);
    refuse_network(real);
    if (!options.create && ::access(real.c_str(), F_OK) != 0)
        fail(jobs::store_fault::missing, real + ": there is no such file");
    return real;
}

}  // namespace

const jobs::feature_table& what_it_can() noexcept { return features_full; }

file_store::file_store(const std::string& path, const sqlite_options& options)
    : path_(checked(path, options)),
      limits_(options.limits),
      durable_(options.durable),
      writer_(std::make_shared<writer>(path_, options,
                                       [all = bells_](const std::set<std::string>& queues) { all->ring(queues); })),
      readers_(path_, writer_->ours(), options.patience),
      ledger_(*writer_, readers_, options.limits) {}

const jobs::feature_table& file_store::can() const noexcept {
    return durable_ == durability::full ? features_full : features_normal;
}

jobs::wall_time file_store::now() { return jobs::wall_time(std::chrono::microseconds(wall_now())); }

result<std::unique_ptr<jobs::source>, store_error> file_store::subscribe(const jobs::subscription& how) {
    if (how.queues.empty())
        return failure(store_error{jobs::store_fault::invalid, "a worker needs at least one queue"});
    if (how.lease.count() <= 0) return failure(store_error{jobs::store_fault::invalid, "the lease has no length"});
    try {
        return std::unique_ptr<jobs::source>(std::make_unique<file_source>(writer_, bells_, how));
    } catch (...) {
        return failure(error_in_hand(path_));
    }
}

result<std::vector<jobs::published>, store_error> file_store::publish(std::span<const jobs::new_job> jobs) {
    if (jobs.empty()) return std::vector<jobs::published>();
    try {
        refuse_faults(jobs, limits_);
    } catch (...) {
        return failure(error_in_hand(path_));
    }
    return writer_->run_as_value([&](session& in) { return insert(in, jobs); });
}

}  // namespace gm::stores::sqlite

namespace gm::stores {

result<std::unique_ptr<jobs::store>, jobs::store_error> open_sqlite(const std::string& path,
                                                                    const sqlite_options& options) {
    try {
        return std::unique_ptr<jobs::store>(std::make_unique<sqlite::file_store>(path, options));
    } catch (...) {
        return failure(sqlite::error_in_hand(path));
    }
}

sqlite_counters counters_of(const jobs::store& store) {
    return dynamic_cast<const sqlite::file_store&>(store).counters();
}

}  // namespace gm::stores
