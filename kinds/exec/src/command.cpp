#include <gristmill/kinds/exec/command.hpp>

#include <unistd.h>
#include <algorithm>

namespace gm::kinds::exec {

environment environment::inherited() {
    environment all;
    for (char** entry = environ; entry && *entry; ++entry) all.entries_.emplace_back(*entry);
    return all;
}

void environment::set(std::string_view name, std::string_view value) {
    std::string entry = std::string(name) + '=' + std::string(value);
    if (const std::string* old = find(name))
        entries_[static_cast<std::size_t>(old - entries_.data())] = std::move(entry);
    else
        entries_.push_back(std::move(entry));
}

const std::string* environment::find(std::string_view name) const noexcept {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const std::string& entry) {
        return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
    });
    return found == entries_.end() ? nullptr : &*found;
}

}  // namespace gm::kinds::exec
