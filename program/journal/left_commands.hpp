#pragma once
// The commands that a run left behind when it was killed: they live on, and nobody hears how they end. A run that goes on waits for
// them, so that no line runs twice at the same time.

#include <vector>

#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/journal/journal_file.hpp"

namespace gm::program {

class left_commands {
public:
    // Those of them that live.
    explicit left_commands(const std::vector<running_command>& all);

    std::vector<pid_t> pids() const;
    // Until the last has ended.
    void wait();

private:
    struct living {
        pid_t pid;
        kinds::exec::unique_fd handle;  // a pidfd
    };
    std::vector<living> living_;
};

}  // namespace gm::program
