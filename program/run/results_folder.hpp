#pragma once
// --results DIR: what each job writes goes to files of its own, in GNU parallel's layout: DIR/1/a/2/b/stdout for the arguments a
// and b, with stderr and seq (the job's number) beside it. With --header the columns' names stand in place of 1 and 2.
//
// Whatever the arguments are, the files are below DIR: a slash becomes \_, a name of dots gets backslashes, and no symbolic
// link below DIR is followed. A job writes to its files directly: a full disk is its own failure.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::program {

struct result_files {
    kinds::exec::unique_fd output, errors;
};

class results_folder {
public:
    static result<results_folder, std::error_code> open(const std::string& path);

    // Thread safety: any thread.
    result<result_files, std::error_code> make(std::span<const std::string> names,
                                               std::span<const std::string> arguments, std::uint64_t number) const;

    // One argument as the name of a folder.
    static std::string folder_name(std::string_view argument);

private:
    kinds::exec::unique_fd top_;
};

}  // namespace gm::program
