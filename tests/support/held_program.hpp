#pragma once
// A program that nobody can execute yet. Whoever tries waits in the kernel, between the birth of the process and its exec, where
// signals reach it: a moment of microseconds, as long as a test wants it. What holds them is a lease on the file, for 45 s at most
// (/proc/sys/fs/lease-break-time).

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

namespace test_support {

class held_program {
public:
    // A copy of `program`, in a folder that outlives this.
    held_program(const std::string& program, const std::string& folder) : path_(folder + "/held") {
        std::filesystem::copy_file(program, path_);
        file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        ::fcntl(file_, F_SETSIG, SIGURG);  // how we are told that somebody waits: by a signal that nobody minds
        holds_ = ::fcntl(file_, F_SETLEASE, F_WRLCK) == 0;
    }
    ~held_program() { let_go(); }
    held_program(const held_program&) = delete;
    held_program& operator=(const held_program&) = delete;

    // False: the file system knows no leases.
    bool holds() const noexcept { return holds_; }
    const std::string& path() const noexcept { return path_; }
    void let_go() {
        if (file_ >= 0) ::close(std::exchange(file_, -1));
    }

private:
    const std::string path_;
    int file_ = -1;
    bool holds_ = false;
};

}  // namespace test_support
