#pragma once
// What most tests of a file begin with.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/stores/sqlite.hpp>

namespace gm::test {

// The store in this file; without it there is nothing to test.
inline std::unique_ptr<jobs::store> opened(const std::string& path, const stores::sqlite_options& options = {}) {
    auto made = stores::open_sqlite(path, options);
    if (!made) {
        std::fprintf(stderr, "%s\n", made.error().what.c_str());
        std::abort();
    }
    return std::move(*made);
}

inline std::vector<jobs::new_job> jobs_of(std::size_t number, const std::string& tag = {}) {
    jobs::new_job one{.kind = "kind", .arguments = {"{}", {}}};
    if (!tag.empty()) one.tags = {tag};
    return std::vector<jobs::new_job>(number, one);
}

}  // namespace gm::test
