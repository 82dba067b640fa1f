#include "program/run/launch.hpp"

#include <gristmill/kinds/exec/spawn.hpp>

#include "program/run/template.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_remembered = 1000;  // programs; a list of commands may name any number

}  // namespace

std::string launch::file_of(const std::string& program) {
    if (program.find('/') != std::string::npos) return program;
    const std::lock_guard guard(lock_);
    const auto known = files_.find(program);
    if (known != files_.end()) return known->second;
    std::string file = kinds::exec::find_program(program);
    if (!file.empty() && files_.size() < most_remembered) files_.emplace(program, file);
    return file;
}

kinds::exec::command launch::prepare(const std::string& text) {
    auto words = words_without_shell(text);
    std::string file = words ? file_of(words->front()) : std::string();
    if (file.empty()) return through_shell(text);
    kinds::exec::command made;
    made.arguments = std::move(*words);
    made.file = std::move(file);
    made.directory = directory_;
    return made;
}

kinds::exec::command launch::through_shell(const std::string& text) const {
    kinds::exec::command made;
    made.arguments = {shell_, "-c", text};
    made.directory = directory_;
    return made;
}

}  // namespace gm::program
