#pragma once
// A connection that comes back. Whoever loses it opens it again, with a pause that grows while the server is away; in the pause
// the last error is told at once, so that nobody waits for what is not there.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "connection.hpp"

namespace gm::stores::pg {

// The pause after failures, shared by all connections of a store.
class backoff {
public:
    using clock = std::chrono::steady_clock;

    // The last error, if it is too early to try again.
    std::optional<fault> too_early() const;
    void failed(const fault& why);
    void succeeded();

private:
    mutable std::mutex mutex_;
    std::chrono::milliseconds pause_{};
    clock::time_point until_{};
    std::optional<fault> last_;
};

// What may be done a second time when the answer to the first was lost. `yes` is for questions, and for changes that are the
// same when they are made twice.
enum class repeatable : bool { no, yes };

// Thread safety: one thread at a time.
class line {
public:
    line(const settings& how, backoff& pause) : how_(&how), pause_(&pause) {}

    outcome<std::vector<rows>> run(std::span<const statement> list, repeatable again);
    outcome<connection*> open();

    // As a connection's. Never a second time.
    std::optional<fault> ask(std::span<const statement> list);
    outcome<std::vector<rows>> hear();
    void close() noexcept { connection_.reset(); }

private:
    const settings* how_;
    backoff* pause_;
    std::optional<connection> connection_;
};

// A few lines for whoever needs one for a moment.
// Thread safety: any thread.
class line_pool {
public:
    line_pool(const settings& how, backoff& pause, std::size_t most) : how_(&how), pause_(&pause), most_(most) {}

    outcome<std::vector<rows>> run(std::span<const statement> list, repeatable again);
    outcome<rows> run(statement one, repeatable again);

private:
    std::unique_ptr<line> take();
    void put_back(std::unique_ptr<line> one);

    const settings* how_;
    backoff* pause_;
    const std::size_t most_;
    std::mutex mutex_;  // the two below
    std::vector<std::unique_ptr<line>> idle_;
    std::size_t made_ = 0;
    std::condition_variable freed_;
};

}  // namespace gm::stores::pg
