#pragma once
// What a store writes, commit after commit. Whatever is asked for while one commit is on its way goes into the next. Who asks
// while nobody writes does it himself: to wake a thread, and to be woken by it, takes longer than a small commit. All else is
// done by a thread of the writer's own: what was left by somebody who wrote, what has to wait for another process, and
// what is due by time.
//
// A commit is on the disk before anybody is told of it, unless it is made of operations that may be lost. Such a commit does not
// wait. The next one that does takes it along, for what is on the disk is always a beginning of what was committed; and if none
// comes soon, the writer sees to it.
//
// A sync that fails is worse than it looks: the system takes what it could not write for written, and the next sync succeeds. So from
// then on the log counts as doubtful, and nothing is committed until all of it has been copied into the file and begun anew.
//
// Each operation happens as a whole or not at all, and its failure does not touch the others of its commit: they run in one
// transaction without savepoints, which cost every page they touch a copy, and only if one of them fails is the transaction
// rolled back and run once more, with a savepoint around each. So an operation may run more than once, and must
// not keep anything from a run before: what it says outside of the tables it says in committed().

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gristmill/result.hpp>
#include <gristmill/stores/sqlite.hpp>

#include "schema.hpp"
#include "session.hpp"
#include "side_file.hpp"

namespace gm::stores::sqlite {

// Lives on the stack of the thread that asked, which waits for it.
class operation {
public:
    virtual void run(session& in) = 0;
    // It is in the file. On the thread that writes, in the order of the operations.
    virtual void committed() noexcept {}
    // Whether who asked for it may be told before it is on the disk: a power cut may take it then, with all that came after it.
    virtual bool may_be_lost() const noexcept { return false; }

protected:
    ~operation() = default;

private:
    friend class writer;
    std::optional<jobs::store_error> error_;
    std::atomic<std::uint32_t> done_{0};
};

class writer {
public:
    // Opens the file and brings its schema up to date. Throws trouble. `rung` is called after a commit with the names of the
    // queues where something may be claimed, and with none when another process has written: that may be anything.
    writer(const std::string& path, const sqlite_options& options,
           std::function<void(const std::set<std::string>&)> rung);
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer();

    // Waits until it is in the file, or is not. An operation that has not begun within the options' patience is withdrawn.
    std::optional<jobs::store_error> run(operation& what);

    // `work(session&)`, as a value.
    template <class Work>
    auto run_as_value(Work&& work) -> result<std::invoke_result_t<Work&, session&>, jobs::store_error> {
        using value = std::invoke_result_t<Work&, session&>;
        struct one final : operation {
            explicit one(Work& given) : work(given) {}
            void run(session& in) override { made.emplace(work(in)); }
            Work& work;
            std::optional<value> made;
        } asked(work);
        if (auto error = run(asked)) return failure(std::move(*error));
        return std::move(*asked.made);
    }

    // Whether to look now and then for what other processes have written.
    void listen(bool wanted) noexcept;

    sqlite_counters counters() const;
    const std::string& path() const noexcept { return path_; }
    const program& ours() const noexcept { return ours_; }

private:
    using clock = std::chrono::steady_clock;

    void open(const sqlite_options& options);
    void begin();
    void work();
    void write_here();
    void commit(bool our_turn);
    void run_batch(std::vector<operation*>& batch);
    bool run_together(std::vector<operation*>& batch);
    void run_apart(std::vector<operation*>& batch);
    bool run_one(operation& what) noexcept;
    void take_more(std::vector<operation*>& batch, bool lasting);
    void choose_sync();
    void end();
    void sync_log() noexcept;
    void renew_log();
    static void finish(operation& what) noexcept;
    void checkpoint_if_due() noexcept;
    void hear_others() noexcept;

    const std::string path_;
    const program ours_ = this_program();
    const std::chrono::milliseconds patience_;
    const bool full_;  // durability
    const std::function<void(const std::set<std::string>&)> rung_;
    connection db_;
    connection checkpoints_;
    side_file turnstile_;
    session session_;

    // From here on: of the thread that has set `writing_`, as are all above.
    std::atomic<std::uint64_t> operations_{0}, commits_{0}, unsynced_{0}, checkpoint_count_{0};
    bool lasting_ = true;    // the transaction takes what must not be lost, and its commit waits for the disk
    bool doubtful_ = false;  // a sync of the log has failed
    int wal_pages_ = 0;      // in the file by our last commit
    int next_checkpoint_;    // at that many
    std::int64_t data_version_ = 0;
    clock::time_point heard_{};

    mutable std::mutex lock_;  // protects what follows
    std::condition_variable asked_;
    std::vector<operation*> waiting_;
    bool writing_ = false;  // somebody does, and looks at what waits when he is done
    bool afloat_ = false;   // the last commit is not on the disk yet. Of who writes; others look
    bool listening_ = false;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace gm::stores::sqlite
