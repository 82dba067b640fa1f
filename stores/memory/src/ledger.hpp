#pragma once
// The face that can be asked.

#include "house.hpp"

namespace gm::stores::in_memory {

class memory_ledger final : public ledger {
public:
    explicit memory_ledger(house& at) noexcept : house_(at) {}

    result<std::optional<record>, store_error> find(job_id id) override;
    result<std::vector<record>, store_error> list(const filter& which, const page& part) override;
    result<std::uint64_t, store_error> count(const filter& which) override;
    result<std::vector<queue_report>, store_error> queues() override;
    result<std::vector<worker_report>, store_error> workers() override;
    result<std::vector<log_part>, store_error> logs(job_id id) override;

    result<std::uint64_t, store_error> cancel(const filter& which) override;
    result<std::uint64_t, store_error> retry(const filter& which) override;
    result<std::uint64_t, store_error> remove(const filter& which) override;
    result<std::uint64_t, store_error> set_priority(const filter& which, int priority) override;

    result<bool, store_error> pause(const std::string& queue, bool paused) override;
    result<bool, store_error> limit(const std::string& queue, const queue_limits& limits) override;
    result<std::uint64_t, store_error> scale(std::int64_t worker, unsigned workers) override;
    result<bool, store_error> retain(const retention& how) override;

    result<bool, store_error> put_cron(const cron_entry& entry) override;
    result<bool, store_error> remove_cron(const std::string& name) override;
    result<std::vector<cron_entry>, store_error> crons() override;
    result<bool, store_error> fire(const std::string& name, wall_time expected, wall_time next,
                                   std::span<const new_job> jobs) override;

    result<std::vector<settled>, store_error> note(std::span<const job_note> notes) override;
    result<std::vector<step>, store_error> steps(job_id id) override;
    result<settled, store_error> put_step(token which, const step& done) override;

private:
    house& house_;
};

}  // namespace gm::stores::in_memory
