#pragma once
// Locks between processes, on a file beside the database. They belong to an open file (F_OFD_SETLK), so the system lets go of
// them at the moment when its process dies, and never before. Never on the database itself: SQLite's own locks there belong to
// the process, and closing any descriptor of that file would drop them.
//
//     byte 0            who holds it writes
//     byte 1            who holds it is next
//     byte 1024 + n     worker n lives

#include <chrono>
#include <cstdint>
#include <string>

namespace gm::stores::sqlite {

class side_file {
public:
    // Opens it, and makes it if need be, with the rights of the database. Throws trouble.
    explicit side_file(const std::string& database);
    side_file(const side_file&) = delete;
    side_file& operator=(const side_file&) = delete;
    ~side_file();

    // The turnstile: whoever stands at byte 1 gets byte 0 next, so processes take turns, however eagerly one of them comes
    // back. SQLite's own way of waiting, asking again after ever longer pauses, kept some waiting for seconds.
    void enter();
    // Only if nobody else is in it or waits.
    bool enter_if_free() noexcept;
    void leave() noexcept;

    // A worker's byte. One side_file for each worker: an open file does not see its own locks.
    void live(std::int64_t worker);
    bool lives(std::int64_t worker) const;

private:
    void lock(std::int64_t byte);
    bool lock_if_free(std::int64_t byte) noexcept;
    void unlock(std::int64_t byte) noexcept;

    std::string path_;
    int file_ = -1;
};

// The path of a database without links and dots, so that all processes lock the same side file. The file need not exist, its
// directory has to. Throws trouble.
std::string real_path(const std::string& path);

// Refuses file systems of other machines: their locks, and the memory that SQLite's processes share, cannot be relied on.
void refuse_network(const std::string& path);
bool is_network(std::int64_t file_system_type) noexcept;

}  // namespace gm::stores::sqlite
