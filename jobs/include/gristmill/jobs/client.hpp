#pragma once
// client: how a program puts jobs in, and asks what became of them.
//
//     gm::jobs::client client(store);
//     auto put = client.insert("image.resize", resize_args{"a.jpg", 800}, {.priority = 5});
//     if (!put) log(put.error().what);
//     auto end = client.wait(put->id, 1min);             // the record of the job, once it is over
//
// All of it blocks. In a coroutine: co_await gm::blocking([&] { return client.insert(…); }), and async_wait.

#include <chrono>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/jobs/codec.hpp>
#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/store.hpp>
#include <gristmill/task.hpp>

namespace gm::jobs {

class registry;

// Everything of a new job but its kind and arguments.
struct insert_options {
    std::string queue{};  // empty: what its kind says, if the client knows the registry; else "default"
    std::string key{};
    int priority = 0;
    wall_time run_at{};
    std::chrono::microseconds delay{};  // from now, where run_at is not given
    std::vector<std::string> tags{};
    std::chrono::microseconds timeout{};
    std::optional<retry_policy> retry{};
    std::optional<unique_key> unique{};
    std::vector<job_id> after{};
    when_parent_fails orphaned = when_parent_fails::hold;
};

struct inserted {
    job_id id;
    bool duplicate = false;  // its unique key is taken: `id` is who has it
};

struct insert_error {
    store_fault fault;
    std::string what;
    std::string path{};          // of the field of the arguments that is wrong: "$.width"
    bool perhaps_there = false;  // the store went away meanwhile: it may have been inserted or not
};

struct job_progress {
    jobs::state state;
    double share = 0;
    std::string note;
};

// Why a wait came back without the end of its job.
struct wait_error {
    enum reason : std::uint8_t { timed_out, cancelled, missing, store } why;
    std::string what;
};

// Thread safety: any member from any thread. The store, and the registry, outlive it.
class client {
public:
    // With the registry, arguments are checked against the kinds before they go anywhere, also those that come as raw bodies;
    // a kind that is not in it is refused.
    explicit client(jobs::store& store) noexcept : store_(&store) {}
    client(jobs::store& store, const registry& kinds) noexcept : store_(&store), kinds_(&kinds) {}

    template <encodable Args>
    result<inserted, insert_error> insert(std::string kind, const Args& arguments, insert_options options = {}) {
        auto written = to_checked_body(arguments);
        if (!written) return failure(wrong_arguments(std::move(written).error()));
        return insert_one(made(std::move(kind), *std::move(written), std::move(options)));
    }
    result<inserted, insert_error> insert(new_job job) { return insert_one(std::move(job)); }

    // One for each element, in their order, in one call of the store: where it has transactions, all or none.
    template <std::ranges::input_range Range>
        requires encodable<std::ranges::range_value_t<Range>>
    result<std::vector<inserted>, insert_error> insert_all(const std::string& kind, Range&& each,
                                                           const insert_options& options = {}) {
        std::vector<new_job> jobs;
        if constexpr (std::ranges::sized_range<Range>) jobs.reserve(std::ranges::size(each));
        for (const auto& arguments : each) {
            auto written = to_checked_body(arguments);
            if (!written) return failure(wrong_arguments(std::move(written).error(), jobs.size()));
            jobs.push_back(made(kind, *std::move(written), options));
        }
        return insert_all(std::move(jobs));
    }
    result<std::vector<inserted>, insert_error> insert_all(std::vector<new_job> jobs);

    // These ask the store's ledger; without one: store_fault::unsupported.
    result<std::optional<record>, store_error> find(job_id id);
    result<bool, store_error> cancel(job_id id);  // false: there was nothing to cancel
    result<bool, store_error> retry(job_id id);   // false: there was nothing to try again
    result<std::optional<job_progress>, store_error> progress(job_id id);

    // The record of a job that is over. Asks at intervals that grow from a millisecond to a second.
    result<record, wait_error> wait(job_id id, const until& limit = {},
                                    std::source_location where = std::source_location::current());
    task<result<record, wait_error>> async_wait(job_id id, gm::context ctx = {});

private:
    static insert_error wrong_arguments(field_error why, std::optional<std::size_t> index = {});
    new_job made(std::string kind, body arguments, insert_options options) const;
    std::optional<insert_error> fault_of(const new_job& job) const;
    result<inserted, insert_error> insert_one(new_job job);
    result<ledger*, store_error> asked();

    jobs::store* store_;
    const registry* kinds_ = nullptr;
};

// The result of a job that is over, typed. requires: it is completed, or the error says what is missing.
template <encodable T>
result<T, field_error> result_of(const record& job) {
    if (job.state != state::completed)
        return failure(field_error{"$", "the job is " + std::string(name_of(job.state))});
    return from_body<T>(job.result, unknown_fields::ignore);
}

}  // namespace gm::jobs
