#include "program/run/results_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <gristmill/kinds/exec/system_calls.hpp>

namespace gm::program {

namespace {

using kinds::exec::last_error;
using kinds::exec::unique_fd;

constexpr std::size_t longest_name = 200;  // file systems allow 255 bytes

// Into the folder `name` of `folder`, which is made if it is not there.
std::error_code enter(unique_fd& folder, const std::string& name) {
    if (::mkdirat(folder.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return last_error();
    unique_fd below(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) return last_error();
    folder = std::move(below);
    return {};
}

result<unique_fd, std::error_code> make_file(const unique_fd& folder, const char* name) {
    constexpr int how = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    unique_fd made(::openat(folder.get(), name, how, 0666));
    if (!made) return failure(last_error());
    return made;
}

std::string fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    char digits[17];
    std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
    return digits;
}

}  // namespace

std::string results_folder::folder_name(std::string_view argument) {
    if (argument.empty()) return "\\0";
    const bool is_dots = argument == "." || argument == "..";
    std::string name;
    for (const char c : argument) {
        if (c == '/')
            name += "\\_";
        else if (c == '\\')
            name += "\\\\";
        else if (c == '\t')
            name += "\\t";
        else if (is_dots)
            name += "\\.";
        else
            name += c;
    }
    if (name.size() > longest_name) name = name.substr(0, longest_name - 18) + "\\~" + fingerprint(argument);
    return name;
}

result<results_folder, std::error_code> results_folder::open(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) return failure(failed);
    results_folder made;
    made.top_.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!made.top_) return failure(last_error());
    return made;
}

result<result_files, std::error_code> results_folder::make(std::span<const std::string> names,
                                                           std::span<const std::string> arguments,
                                                           std::uint64_t number) const {
    unique_fd folder(::fcntl(top_.get(), F_DUPFD_CLOEXEC, 3));
    if (!folder) return failure(last_error());
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string column = i < names.size() ? folder_name(names[i]) : std::to_string(i + 1);
        if (const auto failed = enter(folder, column)) return failure(failed);
        if (const auto failed = enter(folder, folder_name(arguments[i]))) return failure(failed);
    }
    result_files files;
    auto output = make_file(folder, "stdout");
    auto errors = make_file(folder, "stderr");
    auto sequence = make_file(folder, "seq");
    if (!output) return failure(output.error());
    if (!errors) return failure(errors.error());
    if (!sequence) return failure(sequence.error());
    const std::string digits = std::to_string(number);
    if (::write(sequence->get(), digits.data(), digits.size()) < 0) return failure(last_error());
    files.output = std::move(*output);
    files.errors = std::move(*errors);
    return files;
}

}  // namespace gm::program
