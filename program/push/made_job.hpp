#pragma once
// Jobs out of what push was given: words of the command line, lines of standard input.

#include <span>
#include <string>
#include <string_view>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

#include "program/push/push_options.hpp"

namespace gm::program {

// Everything that goes wrong is a sentence about the job; which line it was is the caller's to say.
class job_maker {
public:
    // `now`: of the store. The options outlive it.
    static result<job_maker, std::string> make(const push_options& options, jobs::wall_time now);

    // A command and its words; one word alone is a line for the shell.
    result<jobs::new_job, std::string> from_words(std::span<const std::string_view> words) const;
    // A line for the shell, or (of another kind than exec) arguments as JSON, or (--jsonl) a whole job.
    result<jobs::new_job, std::string> from_line(const std::string& line) const;

private:
    job_maker(const push_options& options, jobs::wall_time now) noexcept : options_(&options), now_(now) {}
    jobs::new_job begun(const std::string& text) const;
    result<jobs::new_job, std::string> from_json(const std::string& line) const;
    result<jobs::new_job, std::string> with_arguments(const std::string& text) const;

    const push_options* options_;
    jobs::wall_time now_, run_at_{};
};

}  // namespace gm::program
