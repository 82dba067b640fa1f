#include "program/cli/say.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "program/cli/safe_text.hpp"

namespace gm::program {

namespace {

void say(const std::string& who, std::string_view text) {
    const std::string line = who + ": " + printable(text, lines::many) + '\n';
    std::fflush(stdout);
    std::fputs(line.c_str(), stderr);
}

}  // namespace

void remark(std::string_view text) { say("gristmill", text); }
void remark(const verb& by, std::string_view text) { say("gristmill " + std::string(by.name), text); }

int fail(const verb& by, std::string_view text) {
    remark(by, text);
    return own_failure;
}

int fail(const verb& by, const trouble& why) {
    remark(by, why.what);
    return why.status;
}

int printed(const verb& by, int status) {
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
    return fail(by, std::string("standard output: ") + std::strerror(errno));
}

int print(const verb& by, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return printed(by);
}

}  // namespace gm::program
