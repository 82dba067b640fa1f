#pragma once
// A crew of one thread that runs children to their end and keeps what they said.

#include <map>
#include <string>

#include <gristmill/kinds/exec/children.hpp>

namespace exec_tests {

using namespace gm::kinds::exec;
using namespace std::chrono_literals;

struct said {
    std::string output, errors;
    outcome how;
};

inline command shell(std::string text) {
    command what;
    what.arguments = {"/bin/sh", "-c", std::move(text)};
    return what;
}

// Deals with events until `count` children have finished, or until `until` (if given) says so of an event.
inline std::map<std::uint64_t, said> finish(children& crew, std::size_t count) {
    std::map<std::uint64_t, said> all;
    children::watcher here(crew);
    for (std::size_t done = 0; done < count;) {
        const event e = here.next();
        if (e.what == event::output) all[e.tag].output += e.bytes;
        if (e.what == event::errors) all[e.tag].errors += e.bytes;
        if (e.what == event::finished) {
            all[e.tag].how = e.how;
            ++done;
        }
    }
    return all;
}

inline said run(command what) {
    children crew;
    if (!crew.start(std::move(what), 7)) return {};
    return finish(crew, 1)[7];
}

}  // namespace exec_tests
