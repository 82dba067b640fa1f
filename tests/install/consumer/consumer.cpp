// A user's program. It calls into the compiled library, so that a package without it does not link.
#include <gristmill/version.hpp>

#include <cstdio>

int main() { std::printf("gristmill %s\n", gm::version()); }
