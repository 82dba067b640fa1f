#pragma once
// The jobs of a push that makes many, some at a time: those of a batch are inserted before the next one is asked for.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

#include "program/push/line_batches.hpp"
#include "program/push/made_job.hpp"
#include "program/run/records.hpp"
#include "program/run/template.hpp"

namespace gm::program {

struct job_batch {
    std::vector<jobs::new_job> jobs;
    std::vector<std::uint64_t> numbers;  // of each: where it stands in the input, from 1
    std::string wrong;                   // why nothing comes after these
};

class job_batches {
public:
    virtual ~job_batches() = default;
    // What its numbers count.
    virtual std::string_view unit() const noexcept = 0;
    // False: there are no more.
    virtual bool next(job_batch& into) = 0;
};

// Of each line a job, as lines come.
class jobs_of_lines final : public job_batches {
public:
    // The maker outlives it.
    jobs_of_lines(int fd, const job_maker& maker) : input_(fd), maker_(&maker) {}

    std::string_view unit() const noexcept override { return "line"; }
    bool next(job_batch& into) override;

private:
    line_batches input_;
    const job_maker* maker_;
    std::vector<std::string> lines_;
};

// Of each value, or combination of values, a job: the command with them put in, or, without a command, the values themselves.
class jobs_of_values final : public job_batches {
public:
    jobs_of_values(argument_tuples values, std::optional<command_template> command, const job_maker& maker)
        : values_(std::move(values)), command_(std::move(command)), maker_(&maker) {}

    std::string_view unit() const noexcept override { return "job"; }
    bool next(job_batch& into) override;

private:
    static constexpr std::size_t most_together = 1'000;
    result<std::string, std::string> line_of(std::span<const std::string> tuple) const;

    argument_tuples values_;
    std::optional<command_template> command_;
    const job_maker* maker_;
    std::uint64_t seen_ = 0;
    bool ended_ = false;
};

}  // namespace gm::program
