#include <gristmill/jobs/registry.hpp>

#include <algorithm>

#include <gristmill/detail/misuse.hpp>

namespace gm::jobs {

void detail::throw_unreadable_arguments(const field_error& why) {
    throw give_up("arguments: " + why.path + ": " + why.what);
}

void registry::keep(std::unique_ptr<kind> which, std::source_location where) {
    new_job sample;
    sample.kind = which->name;
    sample.queue = which->options.queue;
    sample.timeout = which->options.timeout;
    sample.retry = which->options.retry;
    if (const std::string fault = jobs::fault_of(sample); !fault.empty())
        gm::detail::misuse(("the kind '" + which->name + "' cannot be: " + fault).c_str(), where);
    if (kinds_.contains(which->name))
        gm::detail::misuse(("there is a kind '" + which->name + "' already").c_str(), where);
    (which->coroutine ? coroutines_ : functions_) = true;
    const std::string_view name = which->name;
    kinds_.emplace(name, std::move(which));
}

kind* registry::find(std::string_view name) const noexcept {
    const auto found = kinds_.find(name);
    return found == kinds_.end() ? nullptr : found->second.get();
}

std::vector<std::string> registry::names() const {
    std::vector<std::string> all;
    all.reserve(kinds_.size());
    for (const auto& [name, which] : kinds_) all.emplace_back(name);
    std::ranges::sort(all);
    return all;
}

}  // namespace gm::jobs
