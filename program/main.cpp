// gristmill: the first word is a verb, and each verb is a file in verbs/.
#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/cli/table.hpp"

namespace {

int no_such_verb(std::string_view name) {
    std::vector<std::string_view> known;
    for (const auto* one : gm::program::verbs()) known.push_back(one->name);
    std::string text = "there is no verb '" + std::string(name) + "'";
    if (const auto near = gm::program::nearest(name, known)) text += "; did you mean '" + std::string(*near) + "'?";
    gm::program::remark(text + "\n`gristmill --help` lists them.");
    return gm::program::own_failure;
}

// 0, 1 and 2 have to be something, or a file that we open gets the number: a store's, say, and what is printed goes into it.
void open_standard_streams() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

}  // namespace

int main(int count, char** words) {
    open_standard_streams();
    const std::vector<std::string_view> all(words + (count > 0 ? 1 : 0), words + count);
    const std::string_view name = all.empty() ? "help" : all[0] == "--version" ? "version" : all[0];
    if (name == "-h" || name == "--help") {
        std::fputs(gm::program::help_of_program().c_str(), stdout);
        return 0;
    }
    const auto* const verb = gm::program::find_verb(name);
    if (!verb) return no_such_verb(name);
    return verb->run(std::span(all).subspan(all.empty() ? 0 : 1));
}
