#pragma once
// How verbs talk to people, on standard error, and how they end. What they say may quote a file, a server or a job, so
// that it goes through printable(): nothing in it steers a terminal.

#include <string>
#include <string_view>

#include "program/cli/table.hpp"

namespace gm::program {

inline constexpr int all_done = 0;
inline constexpr int not_all_done = 1;   // what was named is not there, or was left as it is
inline constexpr int own_failure = 255;  // wrong words, no store. What else a verb exits with stands in its help

// "gristmill: text", "gristmill VERB: text".
void remark(std::string_view text);
void remark(const verb& by, std::string_view text);

// Tells what is wrong, and is own_failure.
int fail(const verb& by, std::string_view text);
// Why it came to nothing, and what it exits with therefore.
struct trouble {
    std::string what;
    int status = own_failure;
};
int fail(const verb& by, const trouble& why);

// `status`, if everything could be printed.
int printed(const verb& by, int status = all_done);
// A text as it is, and whether it could be printed.
int print(const verb& by, std::string_view text);

}  // namespace gm::program
