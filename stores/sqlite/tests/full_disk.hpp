#pragma once
// A small file system in memory that fills up, and can be given more room. Only root can mount one.

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "scratch.hpp"

namespace gm::test {

class full_disk {
public:
    full_disk() : error_(::mount("none", where_.path().c_str(), "tmpfs", 0, "size=2m") == 0 ? 0 : errno) {}
    full_disk(const full_disk&) = delete;
    full_disk& operator=(const full_disk&) = delete;
    ~full_disk() {
        if (error_ == 0) ::umount2(where_.path().c_str(), MNT_DETACH);
    }

    bool ready() const noexcept { return error_ == 0; }
    std::string why_not() const { return std::strerror(error_); }
    bool grow() const { return ::mount("none", where_.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; }
    std::string file(const std::string& name) const { return where_.file(name); }

private:
    const scratch where_;
    const int error_;
};

}  // namespace gm::test
