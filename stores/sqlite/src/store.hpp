#pragma once
// The store: one writer, some readers, and the faces that the seam asks for.

#include <memory>
#include <mutex>

#include "ledger.hpp"
#include "readers.hpp"
#include "source.hpp"
#include "writer.hpp"

namespace gm::stores::sqlite {

const jobs::feature_table& what_it_can() noexcept;  // at durability::full

class file_store final : public jobs::store, private jobs::sink {
public:
    // Throws trouble.
    file_store(const std::string& path, const sqlite_options& options);

    std::string name() const override { return "sqlite:" + path_; }
    using jobs::store::can;
    const jobs::feature_table& can() const noexcept override;
    jobs::sink& sink() noexcept override { return *this; }
    jobs::ledger* ledger() noexcept override { return &ledger_; }
    result<std::unique_ptr<jobs::source>, jobs::store_error> subscribe(const jobs::subscription& how) override;
    jobs::wall_time now() override;

    sqlite_counters counters() const { return writer_->counters(); }

private:
    result<std::vector<jobs::published>, jobs::store_error> publish(std::span<const jobs::new_job> jobs) override;

    const std::string path_;
    const jobs::size_limits limits_;
    const durability durable_;
    const std::shared_ptr<bells> bells_ = std::make_shared<bells>();
    const std::shared_ptr<writer> writer_;
    readers readers_;
    file_ledger ledger_;
};

}  // namespace gm::stores::sqlite
