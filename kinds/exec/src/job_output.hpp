#pragma once
// What a job's command writes, on its way to the log of the attempt, the job's result and the words of its failure. Its size in
// memory is bounded, whatever the command does.

#include <string>
#include <string_view>

#include <gristmill/jobs/attempt.hpp>

#include <gristmill/kinds/exec/children.hpp>

namespace gm::kinds::exec {

// Used by one thread at a time.
class job_output {
public:
    explicit job_output(jobs::attempt& of) noexcept : of_(of) {}

    void take(event::kind stream, std::string_view bytes);
    void finish();  // there will be no more: a last line may have no end

    // The standard output, if it is text of at most 32 KiB; else nothing.
    std::string result() const;
    // The last lines of the standard error.
    std::string last_words() const;

private:
    // A line of one stream is never torn by the other's, unless it is very long.
    void log_lines(std::string& rest, std::string_view bytes);

    jobs::attempt& of_;
    std::string output_rest_, errors_rest_;  // after the last end of a line
    std::string result_, tail_;
    bool too_much_ = false;
};

}  // namespace gm::kinds::exec
