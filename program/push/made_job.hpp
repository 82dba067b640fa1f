#pragma once
// Jobs out of what push, or cron put, was given: words of the command line, lines of standard input.

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
    // For words alone, to run when it is put in.
    explicit job_maker(const job_options& options) noexcept : options_(&options) {}

    // A command and its words; one word alone is a line for the shell. Without words: what --kind and --args say.
    result<jobs::new_job, std::string> from_words(std::span<const std::string_view> words) const;
    // requires: made with push_options. A line for the shell, or (of another kind than exec) arguments as JSON, or (--jsonl) a whole job.
    result<jobs::new_job, std::string> from_line(const std::string& line) const;

private:
    job_maker(const push_options& options, jobs::wall_time now) noexcept
        : options_(&options), jsonl_(options.jsonl), now_(now) {}
    jobs::new_job begun(const std::string& text) const;
    result<jobs::new_job, std::string> from_json(const std::string& line) const;
    result<jobs::new_job, std::string> with_arguments(const std::string& text) const;

    const job_options* options_;
    bool jsonl_ = false;
    jobs::wall_time now_{}, run_at_{};
};

}  // namespace gm::program
