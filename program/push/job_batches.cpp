#include "program/push/job_batches.hpp"

#include <utility>

namespace gm::program {

namespace {

// False: it could not be made, and the batch says why.
bool add(result<jobs::new_job, std::string>&& job, std::uint64_t number, std::string_view unit, job_batch& to) {
    if (!job) {
        to.wrong = std::string(unit) + " " + std::to_string(number) + ": " + job.error();
        return false;
    }
    to.jobs.push_back(*std::move(job));
    to.numbers.push_back(number);
    return true;
}

}  // namespace

bool jobs_of_lines::next(job_batch& into) {
    into = {};
    if (!input_.next(lines_)) {
        into.wrong = input_.error();
        return !into.wrong.empty();
    }
    into.jobs.reserve(lines_.size());
    for (std::size_t i = 0; i != lines_.size(); ++i)
        if (!add(maker_->from_line(lines_[i]), input_.number_of(i), unit(), into)) break;
    return true;
}

result<std::string, std::string> jobs_of_values::line_of(std::span<const std::string> tuple) const {
    if (command_) return command_->render({.arguments = tuple, .number = seen_});
    std::string line;
    for (const std::string& value : tuple) (line += line.empty() ? "" : " ") += value;
    return line;
}

bool jobs_of_values::next(job_batch& into) {
    into = {};
    std::vector<std::string> tuple;
    while (!ended_ && into.jobs.size() < most_together) {
        const auto got = values_.next(tuple);
        if (got == tuple_source::status::failed) into.wrong = values_.error();
        ended_ = got != tuple_source::status::record;
        if (ended_) break;
        ++seen_;
        if (values_.saw_nul()) {
            into.wrong = "job " + std::to_string(seen_) + ": a zero byte, which no argument can hold; did you mean -0?";
            break;
        }
        const auto line = line_of(tuple);
        if (!add(line ? maker_->from_line(*line) : failure(std::string(line.error())), seen_, unit(), into))
            return true;
    }
    return !into.jobs.empty() || !into.wrong.empty();
}

}  // namespace gm::program
