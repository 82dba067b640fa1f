#include <gristmill/jobs/record.hpp>

#include <algorithm>
#include <string_view>

#include "names.hpp"
#include "utf8.hpp"

namespace gm::jobs {

std::string fault_of_name(const char* field, std::string_view name, bool may_be_empty, const size_limits& limits) {
    const std::string where = std::string(field) + ": ";
    if (name.empty()) return may_be_empty ? "" : where + "is empty";
    if (name.size() > limits.name)
        return where + "is " + std::to_string(name.size()) + " bytes long, of " + std::to_string(limits.name) +
               " allowed";
    if (!utf8::is_valid(name)) return where + "is not valid UTF-8";
    if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        return where + "has a control character";
    return {};
}

std::string fault_of(const new_job& job, const size_limits& limits) {
    if (std::string fault = fault_of_name("kind", job.kind, false, limits); !fault.empty()) return fault;
    if (std::string fault = fault_of_name("queue", job.queue, false, limits); !fault.empty()) return fault;
    if (std::string fault = fault_of_name("key", job.key, true, limits); !fault.empty()) return fault;
    if (std::string fault = fault_of_name("arguments.type", job.arguments.type, true, limits); !fault.empty())
        return fault;
    if (job.arguments.bytes.size() > limits.arguments)
        return "arguments: " + std::to_string(job.arguments.bytes.size()) + " bytes, of " +
               std::to_string(limits.arguments) + " allowed";
    if (job.priority < least_priority || job.priority > greatest_priority)
        return "priority: " + std::to_string(job.priority) + " is not within " + std::to_string(least_priority) +
               " to " + std::to_string(greatest_priority);
    if (job.tags.size() > limits.tags)
        return "tags: " + std::to_string(job.tags.size()) + ", of " + std::to_string(limits.tags) + " allowed";
    for (const std::string& tag : job.tags)
        if (std::string fault = fault_of_name("tags", tag, false, limits); !fault.empty()) return fault;
    if (job.timeout.count() < 0) return "timeout: is negative";
    if (job.retry)
        if (const char* const fault = job.retry->fault()) return std::string("retry: ") + fault;
    if (job.unique) {
        if (std::string fault = fault_of_name("unique", job.unique->key, false, limits); !fault.empty()) return fault;
        if (job.unique->until == unique_for::window && job.unique->window.count() <= 0)
            return "unique: the window has no length";
    }
    if (job.after.size() > limits.parents)
        return "after: " + std::to_string(job.after.size()) + " jobs, of " + std::to_string(limits.parents) +
               " allowed";
    if (std::ranges::any_of(job.after, [](job_id id) { return id.number <= 0; })) return "after: no job has the id 0";
    return {};
}

}  // namespace gm::jobs
