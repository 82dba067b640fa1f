#pragma once
// The face that can be asked. Questions go to the readers, changes to the writer.

#include <gristmill/jobs/ledger.hpp>

#include "readers.hpp"
#include "writer.hpp"

namespace gm::stores::sqlite {

class file_ledger final : public jobs::ledger {
public:
    template <class T>
    using answer = result<T, jobs::store_error>;

    file_ledger(writer& to, readers& from, const jobs::size_limits& limits)
        : writer_(to), readers_(from), limits_(limits) {}

    // ledger_ask.cpp
    answer<std::optional<jobs::record>> find(jobs::job_id id) override;
    answer<std::vector<jobs::record>> list(const jobs::filter& which, const jobs::page& part) override;
    answer<std::uint64_t> count(const jobs::filter& which) override;
    answer<std::vector<jobs::queue_report>> queues() override;
    answer<std::vector<jobs::worker_report>> workers() override;
    answer<std::vector<jobs::log_part>> logs(jobs::job_id id) override;
    answer<std::vector<jobs::step>> steps(jobs::job_id id) override;

    // ledger_change.cpp
    answer<std::uint64_t> cancel(const jobs::filter& which) override;
    answer<std::uint64_t> retry(const jobs::filter& which) override;
    answer<std::uint64_t> remove(const jobs::filter& which) override;
    answer<std::uint64_t> set_priority(const jobs::filter& which, int priority) override;

    // ledger_house.cpp
    answer<bool> pause(const std::string& queue, bool paused) override;
    answer<bool> limit(const std::string& queue, const jobs::queue_limits& limits) override;
    answer<std::uint64_t> scale(std::int64_t worker, unsigned workers) override;
    answer<bool> retain(const jobs::retention& how) override;

    // ledger_cron.cpp
    answer<bool> put_cron(const jobs::cron_entry& entry) override;
    answer<bool> remove_cron(const std::string& name) override;
    answer<std::vector<jobs::cron_entry>> crons() override;
    answer<bool> fire(const std::string& name, jobs::wall_time expected, jobs::wall_time next,
                      std::span<const jobs::new_job> jobs) override;

    // ledger_notes.cpp
    answer<std::vector<jobs::settled>> note(std::span<const jobs::job_note> notes) override;
    answer<jobs::settled> put_step(jobs::token which, const jobs::step& done) override;

private:
    // Makes available what has become due, so that it is seen as what it is though no worker has looked.
    std::optional<jobs::store_error> settle_due();
    // Calls `change(session&, job)`, which says whether it changed anything, for all that meet the filter.
    template <class Change>
    answer<std::uint64_t> change_all(const jobs::filter& which, jobs::order by, Change change);

    writer& writer_;
    readers& readers_;
    const jobs::size_limits limits_;
};

}  // namespace gm::stores::sqlite
