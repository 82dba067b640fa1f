#include "program/journal/journal_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <system_error>

#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/run/line_identity.hpp"

namespace gm::program {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view unfinished = ".run", finished = ".done";
constexpr std::string_view pattern = "dddddddd-dddddd-ddd-xxxx-xxxx";  // date, time, ms, where, what
constexpr std::size_t where_at = 20, what_at = 25, print_size = 4;

constexpr std::size_t most_done = 50, most_unfinished = 1000;
constexpr auto done_for = 30 * 24h, unfinished_for = 90 * 24h;

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

// As the XDG base directory specification has it: a relative path in its variable counts for nothing.
std::optional<fs::path> state_folder() {
    if (const std::string ours = variable("GRISTMILL_STATE"); !ours.empty()) return fs::absolute(ours);
    if (const fs::path given(variable("XDG_STATE_HOME")); given.is_absolute()) return given / "gristmill";
    if (const fs::path home(variable("HOME")); home.is_absolute()) return home / ".local/state/gristmill";
    return std::nullopt;
}

std::string why(int error) { return std::strerror(error); }

// Folders that are missing are made for us alone; those that are there stay as they are.
std::string make_folders(const fs::path& path) {
    fs::path so_far;
    for (const fs::path& part : path) {
        so_far /= part;
        if (::mkdir(so_far.c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS)
            return so_far.string() + ": " + why(errno);
    }
    return {};
}

std::string check_folder(const std::string& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) return path + ": " + why(errno);
    if (!S_ISDIR(about.st_mode)) return path + ": is no folder";
    if (about.st_uid != ::geteuid())
        return path +
               ": belongs to somebody else, and a journal says what to execute; name a folder of your own in "
               "$GRISTMILL_STATE";
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return path +
               ": others can write there, and a journal says what to execute; take that right from them (chmod go-w)";
    return {};
}

std::string fingerprint(std::string_view a, std::string_view b) {
    const auto hash = line_identities(a, b).of({}).hash[0];
    char digits[print_size + 1];
    std::snprintf(digits, sizeof(digits), "%04x", static_cast<unsigned>(hash & 0xffff));
    return digits;
}

std::string name_for(const run_facts& of, std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm when{};
    ::gmtime_r(&seconds, &when);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &when);
    std::snprintf(text + size, sizeof(text) - size, "-%03d-", static_cast<int>(ms % 1000));
    return text + fingerprint(of.started_in, {}) + '-' + fingerprint(of.directory, of.command);
}

bool is_name(std::string_view text) {
    return std::ranges::equal(text, pattern, [](char c, char wanted) {
        const bool digit = c >= '0' && c <= '9';
        return wanted == 'd' ? digit : wanted == 'x' ? digit || (c >= 'a' && c <= 'f') : c == wanted;
    });
}

std::optional<journal_folder::entry> read_entry(const fs::path& path) {
    const std::string file = path.filename().string();
    for (const auto suffix : {unfinished, finished})
        if (file.ends_with(suffix))
            if (std::string name = file.substr(0, file.size() - suffix.size()); is_name(name))
                return journal_folder::entry{std::move(name), path.string(), suffix == finished};
    return std::nullopt;
}

// Whether another process holds a lock on any part of it, as everybody does who has it open (journal_file). Not to be asked of a
// journal that is open here: to close any descriptor of a file drops all locks that this process has on it (fcntl(2)).
bool is_in_use(const journal_folder::entry& one) noexcept {
    const kinds::exec::unique_fd file(::open(one.path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return !file || ::fcntl(file.get(), F_GETLK, &whole) != 0 || whole.l_type != F_UNLCK;
}

// SQLite's own files beside it go with it.
void remove(const journal_folder::entry& one) noexcept {
    for (const char* beside : {"", "-wal", "-journal"}) ::unlink((one.path + beside).c_str());
}

}  // namespace

result<journal_folder, std::string> journal_folder::open() {
    const auto state = state_folder();
    if (!state)
        return failure(std::string("there is no $HOME to keep journals in; $GRISTMILL_STATE names another folder"));
    const std::string path = (*state / "runs").lexically_normal().string();
    if (std::string wrong = make_folders(path); !wrong.empty()) return failure(std::move(wrong));
    if (std::string wrong = check_folder(path); !wrong.empty()) return failure(std::move(wrong));
    return journal_folder(path);
}

std::vector<journal_folder::entry> journal_folder::runs() const {
    std::vector<entry> all;
    std::error_code failed;
    for (const auto& file : fs::directory_iterator(path_, failed))
        if (auto one = read_entry(file.path())) all.push_back(std::move(*one));
    std::ranges::sort(all, [](const entry& a, const entry& b) { return a.name > b.name; });
    return all;
}

result<journal_folder::entry, std::string> journal_folder::make(const run_facts& of) const {
    for (std::int64_t ms = of.started;; ++ms) {  // another run may have the same name
        std::string name = name_for(of, ms);
        std::string path = path_ + '/' + name + std::string(unfinished);
        const kinds::exec::unique_fd file(
            ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (file) return entry{std::move(name), std::move(path), false};
        if (errno != EEXIST) return failure(path + ": " + why(errno));
    }
}

void journal_folder::mark(const entry& one, bool done) noexcept {
    if (one.done == done) return;
    const std::string stem = one.path.substr(0, one.path.rfind('.'));
    ::rename(one.path.c_str(), (stem + std::string(done ? finished : unfinished)).c_str());
}

void journal_folder::prune(const entry& ours) const noexcept {
    try {
        const auto now = fs::file_time_type::clock::now();
        std::size_t done = 0, others = 0;
        for (const entry& one : runs()) {
            std::error_code failed;
            const auto age = now - fs::last_write_time(one.path, failed);
            if (failed || one.name == ours.name) continue;
            const bool too_many = one.done ? ++done > most_done : ++others > most_unfinished;
            const bool too_old = age > (one.done ? done_for : unfinished_for);
            if ((too_many || too_old) && !is_in_use(one)) remove(one);
        }
    } catch (const std::exception&) {  // no memory: another time
    }
}

bool journal_folder::is_started_in(const entry& one, std::string_view folder) {
    return one.name.compare(where_at, print_size, fingerprint(folder, {})) == 0;
}

bool journal_folder::is_of(const entry& one, const run_facts& run) {
    return one.name.compare(what_at, print_size, fingerprint(run.directory, run.command)) == 0;
}

}  // namespace gm::program
