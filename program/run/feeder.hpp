#pragma once
// Reads the input on a thread of its own and makes jobs of it, a bounded number ahead of those that run: a list of ten million lines
// takes no more memory than one of ten thousand.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/detail/joined_thread.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>
#include <gristmill/semaphore.hpp>

#include "program/run/records.hpp"
#include "program/run/report.hpp"

namespace gm::program {

struct batching {
    unsigned most = 1;       // arguments of a job; 0: the command has none, but one is run for each
    std::size_t room = 0;    // bytes of arguments, quoted; 0: no limit
    std::size_t around = 0;  // bytes that come with each argument, at most
    unsigned spread = 1;     // when the input ends, what is left is spread over this many jobs
    bool shuffle = false;
};

class feeder {
public:
    // `news` is called, on the feeder's thread, after there is something new for somebody who found nothing. `book`, if there is
    // one, outlives the feeder.
    feeder(std::unique_ptr<tuple_source> input, batching how, line_book* book, kinds::exec::unique_fd stop,
           std::function<void()> news);
    ~feeder();

    // The next job, if there is one now. Thread safety: any thread.
    std::optional<job> take();
    // Nothing is left and nothing will come.
    bool is_over() const noexcept { return over_ && jobs_.size() == 0; }
    std::uint64_t jobs_read() const noexcept { return read_; }
    // What jobs_read() says is all there is.
    bool has_read_all() const noexcept { return over_; }
    // What is wrong with the input; meaningful when it is over.
    const std::string& error() const noexcept { return error_; }
    bool saw_nul() const noexcept { return input_->saw_nul(); }

    void stop();

private:
    static constexpr std::size_t ahead = 10'000;
    static constexpr std::ptrdiff_t bytes_ahead = std::ptrdiff_t{32} << 20;
    static std::ptrdiff_t weight(const job& one);

    void work();
    bool read_all();
    bool add(std::vector<std::string>&& tuple);
    bool send_batch(std::size_t lines);
    bool send(job&& one);
    void tell();

    const std::unique_ptr<tuple_source> input_;
    const batching how_;
    line_book* const book_;
    kinds::exec::unique_fd stop_;
    const std::function<void()> news_;
    context_source end_;
    channel<job> jobs_{ahead};
    semaphore bytes_{bytes_ahead};

    // The thread's.
    struct line {
        std::vector<std::string> arguments;
        std::uint64_t number = 0;  // in the book
        std::size_t size = 0;      // of the arguments in a command
    };
    std::vector<line> waiting_;  // lines that are no job yet
    std::size_t waiting_arguments_ = 0;
    std::size_t waiting_size_ = 0;
    std::vector<job> shuffled_;
    std::string error_;

    std::atomic<std::uint64_t> read_{0};
    std::atomic<bool> over_{false};
    std::atomic<bool> somebody_looked_{false};
    detail::joined_thread thread_;
};

}  // namespace gm::program
