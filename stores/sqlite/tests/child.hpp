#pragma once
// Processes of a test: this very program, started again in a role. It is told what to do by lines on its standard input and
// answers with lines that begin with '@' on its standard output.

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace gm::test {

class child {
public:
    child(const std::string& name, const std::vector<std::string>& arguments);
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child();  // killed, if it still runs

    void tell(const std::string& line) const;
    std::string hear();  // its next answer, without the '@'; empty: it has ended
    void signal(int which) const;
    // Waits until it is gone. True: it ended by itself, and well.
    bool end();
    void kill();
    void stop();  // SIGSTOP, and waits until it stands

private:
    pid_t pid_ = -1;
    int to_ = -1, from_ = -1;
    std::string read_;
};

// In the child.
using role = void (*)(const std::vector<std::string>& arguments);
bool define_role(const std::string& name, role what);
void answer(const std::string& line);
bool read_line(std::string& line);  // false: nobody will say anything more

}  // namespace gm::test
