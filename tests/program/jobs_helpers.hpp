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

// A folder that goes away with it, and a store: a file in there, if none is given.
class jobs_folder {
public:
    explicit jobs_folder(std::string url = {})
        : url_(url.empty() ? "sqlite:" + (folder_ / "jobs.db") : std::move(url)) {}
    std::string operator/(const std::string& name) const { return folder_ / name; }

    // The command line of a verb on the store, run in the folder of the tests.
    strings command(const std::string& verb, const strings& words = {}) const {
        strings all{GRISTMILL_PROGRAM, verb, "--store", url_};
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
    std::string url_;
};

// The command of a job that makes the file `runs` and goes on until there is a file `go`. The mark is in its command line.
inline std::string waits_for(const jobs_folder& jobs, const std::string& mark) {
    return "echo " + mark + " > " + jobs / "runs" + "; while ! test -e " + jobs / "go" +
           "; do sleep 0.01; done; : " + mark;
}

inline void wait_for_file(const std::string& file) {
    while (!std::filesystem::exists(file)) ::poll(nullptr, 0, 5);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace program_tests
