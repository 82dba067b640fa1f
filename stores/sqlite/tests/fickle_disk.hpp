#pragma once
// A disk that fails to sync when it is told to, between SQLite and the real files: while one of these is there, each file that SQLite
// opens goes through it. What is on the disk is kept apart from what has been written: a sync that succeeds takes there what
// was written since the last one. One that fails takes nothing, and what should have gone with it is gone, as with
// the kernel: it holds those pages for clean, and the next sync succeeds. leave() shows what a power cut would leave.

#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <string>

namespace gm::test {

class fickle_disk {
public:
    fickle_disk() : below_(sqlite3_vfs_find(nullptr)) {
        vfs_ = *below_;
        vfs_.zName = "fickle";
        vfs_.pNext = nullptr;
        vfs_.pAppData = this;
        vfs_.szOsFile = static_cast<int>(sizeof(file)) + below_->szOsFile;
        vfs_.xOpen = &open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    fickle_disk(const fickle_disk&) = delete;
    fickle_disk& operator=(const fickle_disk&) = delete;
    ~fickle_disk() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(below_, 1);
    }

    // So many of the next syncs of a file whose name ends so fail.
    void fail_syncs(const std::string& ending, int times) {
        const std::lock_guard hold(guard_);
        failing_ = ending;
        times_ = times;
    }
    int failures_left() {
        const std::lock_guard hold(guard_);
        return times_;
    }
    // The file as it is on the disk, somewhere else.
    void leave(const std::string& path, const std::string& to) {
        const std::lock_guard hold(guard_);
        const std::string& there = disk_[path].synced;
        std::ofstream(to, std::ios::binary).write(there.data(), static_cast<std::streamsize>(there.size()));
    }

private:
    struct content {
        std::string synced;
        std::map<sqlite3_int64, std::string> written;  // since then
        sqlite3_int64 size = -1;                       // it was cut to that since then; below 0: it was not
    };
    struct file {
        sqlite3_file base;
        fickle_disk* of;
        std::string* path;
        sqlite3_file* below() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };
    static file& of(sqlite3_file* which) noexcept { return *reinterpret_cast<file*>(which); }
    static sqlite3_file* below(sqlite3_file* which) noexcept { return of(which).below(); }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* made, int flags, int* out) {
        auto* const disk = static_cast<fickle_disk*>(vfs->pAppData);
        auto* const one = new (made) file{};
        const int code = disk->below_->xOpen(disk->below_, name, one->below(), flags, out);
        if (code != SQLITE_OK) return code;
        one->base.pMethods = &methods();
        one->of = disk;
        one->path = new std::string(name ? name : "");
        return SQLITE_OK;
    }
    static int close(sqlite3_file* which) {
        delete of(which).path;
        return below(which)->pMethods->xClose(below(which));
    }
    static int write(sqlite3_file* which, const void* from, int bytes, sqlite3_int64 at) {
        const int code = below(which)->pMethods->xWrite(below(which), from, bytes, at);
        if (code == SQLITE_OK) {
            const std::lock_guard hold(of(which).of->guard_);
            of(which).of->disk_[*of(which).path].written[at].assign(static_cast<const char*>(from),
                                                                    static_cast<std::size_t>(bytes));
        }
        return code;
    }
    static int truncate(sqlite3_file* which, sqlite3_int64 size) {
        {
            const std::lock_guard hold(of(which).of->guard_);
            content& cut = of(which).of->disk_[*of(which).path];
            cut.size = size;
            cut.written.erase(cut.written.lower_bound(size), cut.written.end());
        }
        return below(which)->pMethods->xTruncate(below(which), size);
    }
    static int sync(sqlite3_file* which, int) { return of(which).of->sync_one(*of(which).path); }

    // The real files need no sync: nobody pulls a plug here.
    int sync_one(const std::string& path) {
        const std::lock_guard hold(guard_);
        content& one = disk_[path];
        const bool fails = times_ != 0 && path.ends_with(failing_);
        if (fails) --times_;
        if (!fails) {
            if (one.size >= 0) one.synced.resize(std::min(one.synced.size(), static_cast<std::size_t>(one.size)));
            one.size = -1;
            for (const auto& [at, bytes] : one.written) {
                const auto place = static_cast<std::size_t>(at);
                if (one.synced.size() < place + bytes.size()) one.synced.resize(place + bytes.size());
                one.synced.replace(place, bytes.size(), bytes);
            }
        }
        one.written.clear();
        return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    }

    static const sqlite3_io_methods& methods() {
        static const sqlite3_io_methods all = [] {
            sqlite3_io_methods m{};
            m.iVersion = 2;
            m.xClose = &close;
            m.xRead = [](sqlite3_file* f, void* to, int bytes, sqlite3_int64 at) {
                return below(f)->pMethods->xRead(below(f), to, bytes, at);
            };
            m.xWrite = &write;
            m.xTruncate = &truncate;
            m.xSync = &sync;
            m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
                return below(f)->pMethods->xFileSize(below(f), size);
            };
            m.xLock = [](sqlite3_file* f, int how) { return below(f)->pMethods->xLock(below(f), how); };
            m.xUnlock = [](sqlite3_file* f, int how) { return below(f)->pMethods->xUnlock(below(f), how); };
            m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
                return below(f)->pMethods->xCheckReservedLock(below(f), out);
            };
            m.xFileControl = [](sqlite3_file* f, int what, void* with) {
                return below(f)->pMethods->xFileControl(below(f), what, with);
            };
            m.xSectorSize = [](sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); };
            m.xDeviceCharacteristics = [](sqlite3_file* f) {
                return below(f)->pMethods->xDeviceCharacteristics(below(f));
            };
            m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
                return below(f)->pMethods->xShmMap(below(f), page, size, extend, to);
            };
            m.xShmLock = [](sqlite3_file* f, int from, int count, int how) {
                return below(f)->pMethods->xShmLock(below(f), from, count, how);
            };
            m.xShmBarrier = [](sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); };
            m.xShmUnmap = [](sqlite3_file* f, int remove) { return below(f)->pMethods->xShmUnmap(below(f), remove); };
            return m;
        }();
        return all;
    }

    sqlite3_vfs* const below_;
    sqlite3_vfs vfs_{};
    std::mutex guard_;  // protects what follows
    std::string failing_;
    int times_ = 0;
    std::map<std::string, content> disk_;
};

}  // namespace gm::test
