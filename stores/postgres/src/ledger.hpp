#pragma once
// The face of the store that can be asked. One file for each kind of question.

#include <gristmill/jobs/ledger.hpp>

#include "core.hpp"

namespace gm::stores::pg {

using jobs::store_error;

class ledger final : public jobs::ledger {
public:
    explicit ledger(core& with) : core_(&with) {}

    // ---- ledger_ask.cpp ----
    result<std::optional<jobs::record>, store_error> find(jobs::job_id id) override;
    result<std::vector<jobs::record>, store_error> list(const jobs::filter& which, const jobs::page& part) override;
    result<std::uint64_t, store_error> count(const jobs::filter& which) override;
    result<std::vector<jobs::queue_report>, store_error> queues() override;
    result<std::vector<jobs::worker_report>, store_error> workers() override;
    result<std::vector<jobs::log_part>, store_error> logs(jobs::job_id id) override;

    // ---- ledger_change.cpp ----
    result<std::uint64_t, store_error> cancel(const jobs::filter& which) override;
    result<std::uint64_t, store_error> retry(const jobs::filter& which) override;
    result<std::uint64_t, store_error> remove(const jobs::filter& which) override;
    result<std::uint64_t, store_error> set_priority(const jobs::filter& which, int priority) override;
    result<bool, store_error> pause(const std::string& queue, bool paused) override;
    result<bool, store_error> limit(const std::string& queue, const jobs::queue_limits& limits) override;
    result<std::uint64_t, store_error> scale(std::int64_t worker, unsigned workers) override;
    result<bool, store_error> retain(const jobs::retention& how) override;

    // ---- ledger_cron.cpp ----
    result<bool, store_error> put_cron(const jobs::cron_entry& entry) override;
    result<bool, store_error> remove_cron(const std::string& name) override;
    result<std::vector<jobs::cron_entry>, store_error> crons() override;
    result<bool, store_error> fire(const std::string& name, jobs::wall_time expected, jobs::wall_time next,
                                   std::span<const jobs::new_job> jobs) override;

    // ---- ledger_notes.cpp ----
    result<std::vector<jobs::settled>, store_error> note(std::span<const jobs::job_note> notes) override;
    result<std::vector<jobs::step>, store_error> steps(jobs::job_id id) override;
    result<jobs::settled, store_error> put_step(jobs::token which, const jobs::step& done) override;

private:
    // One statement; a change that is made twice is the same.
    result<rows, store_error> ask(std::string_view sql, parameters with = {});
    // Before a question: what is due is shown as available.
    result<rows, store_error> ask_now(std::string_view sql, parameters with);
    result<std::uint64_t, store_error> counted(const jobs::filter& which);  // requires: is_counted(which)
    result<std::vector<jobs::record>, store_error> records(std::string_view sql, parameters with);
    // In steps of some thousands; `sql` gives how many there were, the last id, how many were changed, one that conflicts.
    struct changed {
        std::uint64_t count = 0;
        std::int64_t conflicting = 0;
    };
    result<changed, store_error> change(std::string_view sql, const jobs::filter& which,
                                        const parameters* more = nullptr);

    core* core_;
};

}  // namespace gm::stores::pg
