#pragma once
// A temporary folder that goes with its object.

#include <cstdlib>
#include <filesystem>
#include <string>

class scratch_folder {
public:
    scratch_folder() : path_((std::filesystem::temp_directory_path() / "gristmill-example.XXXXXX").string()) {
        if (!mkdtemp(path_.data())) std::abort();
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() { std::filesystem::remove_all(path_); }

    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};
