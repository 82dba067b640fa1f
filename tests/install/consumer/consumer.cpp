// A user's program. It includes everything and calls into the compiled library, so that a package that lacks a header
// or the library does not build.
#include <gristmill/gristmill.hpp>

#include <cstdio>

int main() {
    gm::channel<int> answers(1);
    answers.send(42);
    if (answers.receive().value() != 42) return 1;
    std::printf("gristmill %s\n", gm::version());
}
