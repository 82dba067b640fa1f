#include "program/cli/table.hpp"

#include "program/verbs/verbs.hpp"

namespace gm::program {

std::span<const verb* const> verbs() {
    static constexpr const verb* all[] = {
        &run_verb,      &plan_verb,   &report_verb, &push_verb,    &work_verb,      &drain_verb,   &wait_verb,
        &migrate_verb,  &ls_verb,     &show_verb,   &logs_verb,    &retry_verb,     &cancel_verb,  &rm_verb,
        &priority_verb, &queues_verb, &pause_verb,  &resume_verb,  &limit_verb,     &workers_verb, &scale_verb,
        &cron_verb,     &doctor_verb, &help_verb,   &version_verb, &completion_verb};
    return all;
}

const verb* find_verb(std::string_view name) {
    for (const verb* one : verbs())
        if (one->name == name) return one;
    return nullptr;
}

std::vector<std::string_view> spellings(const flag& of) {
    std::vector<std::string_view> all{of.name};
    for (std::size_t begin = 0; begin < of.also.size();) {
        const std::size_t end = std::min(of.also.find(' ', begin), of.also.size());
        all.push_back(of.also.substr(begin, end - begin));
        begin = end + 1;
    }
    return all;
}

}  // namespace gm::program
