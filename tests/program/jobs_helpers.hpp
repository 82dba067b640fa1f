#pragma once
// gristmill push, work and their company, on a store of a test's own.

#include <initializer_list>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "program_helpers.hpp"

namespace program_tests {

using strings = std::vector<std::string>;

// A store that is a file in a folder that goes away with it.
class jobs_folder {
public:
    std::string operator/(const std::string& name) const { return folder_ / name; }
    std::string url() const { return "sqlite:" + (folder_ / "jobs.db"); }

    // The command line of a verb on the store, run in the folder of the tests.
    strings command(const std::string& verb, const strings& words = {}) const {
        strings all{GRISTMILL_PROGRAM, verb, "--store", url()};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
    answer run(const std::string& verb, const strings& words = {}, std::string_view input = {}) const {
        return running(command(verb, words)).wait(input);
    }
    // The one line that it prints; its id, for a push.
    std::string line_of(const std::string& verb, const strings& words) const {
        const answer it = run(verb, words);
        EXPECT_EQ(it.status, 0) << it.errors;
        return it.output.substr(0, it.output.find('\n'));
    }

private:
    scratch folder_;
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace program_tests
