#include "side_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "connection.hpp"

namespace gm::stores::sqlite {

using jobs::store_fault;

namespace {

constexpr std::int64_t writing = 0, next = 1, first_worker = 1024;

struct ::flock one_byte(short type, std::int64_t byte) noexcept {
    struct ::flock which{};
    which.l_type = type;
    which.l_whence = SEEK_SET;
    which.l_start = byte;
    which.l_len = 1;
    return which;
}

std::string because(int error) { return std::string(": ") + std::strerror(error); }

}  // namespace

side_file::side_file(const std::string& database) : path_(database + "-gristmill") {
    struct stat like{};
    const bool there = ::stat(database.c_str(), &like) == 0;
    const mode_t rights = there ? like.st_mode & 0666 : 0644;
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, rights);
    if (file_ < 0)
        fail(store_fault::refused,
             path_ + because(errno) + ": a store needs this file beside its database, for the locks of its processes");
    // As SQLite does with its own side files: root must not lock the owner out.
    if (there && ::geteuid() == 0 && ::fchown(file_, like.st_uid, like.st_gid) == 0) ::fchmod(file_, rights);
}

side_file::~side_file() { ::close(file_); }

void side_file::lock(std::int64_t byte) {
    struct ::flock which = one_byte(F_WRLCK, byte);
    while (::fcntl(file_, F_OFD_SETLKW, &which) != 0)
        if (errno != EINTR) fail(store_fault::unreachable, path_ + because(errno) + ": it cannot be locked");
}

bool side_file::lock_if_free(std::int64_t byte) noexcept {
    struct ::flock which = one_byte(F_WRLCK, byte);
    return ::fcntl(file_, F_OFD_SETLK, &which) == 0;
}

void side_file::unlock(std::int64_t byte) noexcept {
    struct ::flock which = one_byte(F_UNLCK, byte);
    ::fcntl(file_, F_OFD_SETLK, &which);
}

void side_file::enter() {
    lock(next);
    try {
        lock(writing);
    } catch (...) {
        unlock(next);
        throw;
    }
    unlock(next);
}

bool side_file::enter_if_free() noexcept {
    if (!lock_if_free(next)) return false;
    const bool entered = lock_if_free(writing);
    unlock(next);
    return entered;
}

void side_file::leave() noexcept { unlock(writing); }

void side_file::live(std::int64_t worker) { lock(first_worker + worker); }

bool side_file::lives(std::int64_t worker) const {
    struct ::flock which = one_byte(F_WRLCK, first_worker + worker);
    if (::fcntl(file_, F_OFD_GETLK, &which) != 0) return true;  // not known: its lease decides
    return which.l_type != F_UNLCK;
}

std::string real_path(const std::string& path) {
    if (path.empty()) fail(store_fault::invalid, "the name of a file is missing");
    std::error_code wrong;
    const std::filesystem::path given(path);
    if (std::filesystem::is_directory(given, wrong))
        fail(store_fault::invalid, path + ": is a directory: name a file in it");
    const std::filesystem::path real = std::filesystem::canonical(given, wrong);
    if (!wrong) return real.string();
    const std::filesystem::path folder =
        std::filesystem::canonical(given.has_parent_path() ? given.parent_path() : ".", wrong);
    if (wrong)
        fail(store_fault::missing, path + ": its directory cannot be used (" + wrong.message() + "): make it first");
    return (folder / given.filename()).string();
}

bool is_network(std::int64_t type) noexcept {
    // From statfs(2) and linux/magic.h: NFS, SMB, CIFS, SMB2, AFS (two), Coda, NCP, Ceph, 9P, Lustre, GFS2, OCFS2.
    constexpr std::array<std::int64_t, 13> remote{0x6969,     0x517b,     0xff534d42, 0xfe534d42, 0x5346414f,
                                                  0x6b414653, 0x73757245, 0x564c,     0x00c36400, 0x01021997,
                                                  0x0bd00bd0, 0x01161970, 0x7461636f};
    return std::ranges::find(remote, type & 0xffffffff) != remote.end();
}

void refuse_network(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    struct ::statfs about{};
    if (::statfs(folder.c_str(), &about) != 0) fail(store_fault::missing, folder + because(errno));
    if (is_network(static_cast<std::int64_t>(about.f_type)))
        fail(store_fault::refused,
             path +
                 ": lies on a network file system, where processes cannot lock each other out: use a "
                 "local disk, or PostgreSQL for several machines");
}

}  // namespace gm::stores::sqlite
