#pragma once
// A directory of a test's own, gone after it.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace gm::test {

class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "gristmill-XXXXXX").string();
        if (!::mkdtemp(name.data())) std::abort();
        path_ = name;
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace gm::test
