#pragma once
// The texts that are made from the tables.

#include <optional>
#include <string>
#include <string_view>

#include "program/cli/table.hpp"

namespace gm::program {

std::string help_of_program();
std::string help_of(const verb& of);

// A page for man(1): "gristmill" or "gristmill-VERB"; none if there is no such page.
std::optional<std::string> man_page(std::string_view name);

// A script that teaches `shell` (bash, zsh, fish) the verbs and flags; none for another shell.
std::optional<std::string> completion(std::string_view shell);

}  // namespace gm::program
