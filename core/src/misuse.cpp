#include <gristmill/detail/misuse.hpp>

#include <cstdio>
#include <cstdlib>

namespace gm::detail {

void misuse(const char* what, std::source_location where) noexcept {
    std::fprintf(stderr, "gristmill: misuse: %s (%s:%u, in %s)\n", what, where.file_name(),
                 static_cast<unsigned>(where.line()), where.function_name());
    std::abort();
}

}  // namespace gm::detail
