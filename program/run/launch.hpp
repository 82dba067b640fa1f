#pragma once
// From the text of a command to what is executed: without a shell where none is needed.

#include <mutex>
#include <string>
#include <unordered_map>

#include <gristmill/kinds/exec/command.hpp>

namespace gm::program {

class launch {
public:
    launch(std::string shell, std::string directory) : shell_(std::move(shell)), directory_(std::move(directory)) {}

    // No shell is used if the text has nothing but words and quotes, and the first word is a file, or is found in PATH.
    kinds::exec::command prepare(const std::string& text);
    kinds::exec::command through_shell(const std::string& text) const;

private:
    std::string file_of(const std::string& program);

    const std::string shell_;
    const std::string directory_;
    std::mutex lock_;
    std::unordered_map<std::string, std::string> files_;  // what was looked up; protected by the lock
};

}  // namespace gm::program
