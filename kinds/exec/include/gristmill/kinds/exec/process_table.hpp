#pragma once
// A look at the processes of the machine, to find those that descend from a child, wherever they have moved: into another
// group or session, or, when their parent has died, up to this process (if it is a subreaper).

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gm::kinds::exec {

class process_table {
public:
    struct entry {
        pid_t pid, parent, group;
        bool dead;                   // a zombie: it only waits to be waited for
        bool stopped;                // by a signal, until somebody continues it
        unsigned long long started;  // with the pid, its identity
    };

    // `mark_name` is the variable by which orphans are known; empty: they are not.
    static process_table read(std::string_view mark_name);

    // Every living process of the machine that may be looked into and whose variable `mark_name` has a mark that begins so.
    static std::vector<entry> marked(std::string_view mark_name, std::string_view begin);

    // The living that descend from `leader` or are in its group, and the children of this process whose variable has
    // `mark` in it, with their descendants. Without the leader itself.
    std::vector<entry> family(pid_t leader, std::string_view mark) const;

    std::span<const entry> children_of(pid_t parent) const;
    const entry* find(pid_t pid) const;

private:
    std::vector<entry> entries_;                        // by parent
    std::vector<std::pair<entry, std::string>> marks_;  // of the children of this process
};

// One process, as it is now; none if there is no such pid. Without reading the whole table.
std::optional<process_table::entry> look_at(pid_t pid);

// Sends it only if the pid is still the same process.
void signal_process(const process_table::entry& whom, int signal) noexcept;

// Orphans among this process's descendants become its children from now on, in place of init's.
bool become_subreaper() noexcept;

}  // namespace gm::kinds::exec
