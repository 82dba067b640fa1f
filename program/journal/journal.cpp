#include "program/journal/journal.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <gristmill/kinds/exec/process_table.hpp>

namespace gm::program {

namespace {

using namespace std::chrono_literals;

// The most that a commit has to write, beside the ends of what was written before: some 30 ms.
constexpr std::size_t most_queued = 32'768;  // lines
constexpr std::size_t most_bytes = std::size_t{16} << 20;
constexpr auto before_another_try = 1s;

std::int64_t ms_since_1970(std::chrono::system_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

// What runs now and is our child: a pid whose process has ended may mean another by now.
std::optional<running_command> still_running(std::uint64_t job, pid_t pid) {
    const auto found = kinds::exec::look_at(pid);
    if (!found || found->dead || found->group != pid) return std::nullopt;
    return running_command{job, pid, found->started};
}

}  // namespace

journal::journal(std::string path, run_facts facts)
    : path_(std::move(path)),
      before_(std::move(facts)),
      identities_(before_.command, before_.directory),
      next_number_(1),
      last_commit_(clock::now()),
      facts_(before_) {}

journal::journal(std::unique_ptr<journal_file> file, wanted_lines wanted)
    : before_(file->facts()),
      identities_(before_.command, before_.directory),
      wanted_(wanted),
      next_number_(before_.lines + 1),
      by_file_(true),
      file_(std::move(file)),
      last_commit_(clock::now()),
      facts_(before_) {}

journal::~journal() { (void)close(); }

std::optional<std::string> journal::match_input() {
    auto made = line_matcher::make(*file_);
    if (!made) return std::move(made).error();
    matcher_.emplace(std::move(*made));
    by_file_ = false;
    return std::nullopt;
}

void journal::start(std::function<void(const std::string&)> trouble) {
    std::optional<std::string> already;
    {
        const guard held(lock_);
        trouble_ = std::move(trouble);
        already = error_;
    }
    if (already) trouble_(*already);
    thread_ = detail::joined_thread("gm-journal", [this] { work(); });
}

std::optional<std::string> journal::close() {
    {
        const guard held(lock_);
        closing_ = true;
        work_.notify_all();
        hurry_.notify_all();
        room_.notify_all();
    }
    thread_.join();
    if (file_) facts_ = file_->facts();
    file_.reset();
    return error_;
}

std::optional<std::vector<std::string>> journal::next_known() {
    by_file_ = true;
    if (known_at_ == known_.size()) {
        const std::lock_guard using_file(file_lock_);
        auto more = file_->lines_to_run(last_known_, wanted_.waiting, wanted_.failed);
        if (!more) {
            fail(more.error());
            return std::nullopt;
        }
        known_ = std::move(*more);
        known_at_ = 0;
    }
    if (known_at_ == known_.size()) return std::nullopt;
    last_known_ = known_[known_at_].number;
    return unpacked(known_[known_at_++].arguments);
}

line_book::fate journal::line_read(const std::vector<std::string>& arguments, std::uint64_t& number) {
    if (by_file_) {
        number = last_known_;
        return fate::run;
    }
    const line_identity who = identities_.of(arguments);
    if (!matcher_) return new_line_read(who, arguments, number);
    std::optional<line_matcher::known_line> known;
    {
        const std::lock_guard using_file(file_lock_);
        auto taken = matcher_->take(who);
        if (!taken) {
            fail(taken.error());
            return fate::stop;
        }
        known = std::move(*taken);
    }
    if (!known) return new_line_read(who, arguments, number);
    number = known->number;
    const bool wanted = known->state == line_state::waiting  ? wanted_.waiting
                        : known->state == line_state::failed ? wanted_.failed
                                                             : false;
    return wanted ? fate::run : fate::pass_over;
}

line_book::fate journal::new_line_read(const line_identity& who, const std::vector<std::string>& arguments,
                                       std::uint64_t& number) {
    std::string text = packed(arguments);
    guard held(lock_);
    room_.wait(held, [this] { return !is_filled_locked(1) || error_ || closing_; });
    if (error_ || closing_) return fate::stop;
    number = next_number_++;
    bytes_ += text.size();
    lines_.push_back({number, who, std::move(text)});
    work_.notify_one();
    if (is_filled_locked(2)) hurry_.notify_one();
    return fate::run;
}

void journal::input_ended() {
    if (by_file_) return;
    const guard held(lock_);
    queue_.input_ended = true;
    work_.notify_one();
}

void journal::started(const start_report& report) {
    const guard held(lock_);
    starting_[report.of.sequence] = report.pid;
    queue_.highest_job = std::max(queue_.highest_job, report.of.sequence);
    work_.notify_one();
}

void journal::finished(const finish_report& report) {
    const bool counts = !report.will_be_retried && report.how != verdict::stopped;
    const bool good = report.how == verdict::succeeded;
    const guard held(lock_);
    // A command that comes and goes between two commits is never written as running.
    if (starting_.erase(report.of.sequence) == 0) queue_.gone.push_back(report.of.sequence);
    if (counts)
        queue_.ended.push_back(
            {.lines = report.of.lines,
             .job = report.of.sequence,
             .how = good ? line_state::succeeded : line_state::failed,
             .status = report.how == verdict::timed_out ? timed_out_status : report.status(),
             .worker = report.slot,
             .started = ms_since_1970(report.started),
             .runtime = std::chrono::duration_cast<std::chrono::microseconds>(report.outcome.runtime).count()});
    work_.notify_one();
}

// By one of so many parts, or more.
bool journal::is_filled_locked(unsigned share) const {
    return lines_.size() >= most_queued / share || bytes_ >= most_bytes / share;
}

// What a commit before this one could not write is in the batch, and goes first.
void journal::take_batch_locked(journal_batch& batch) {
    std::ranges::move(lines_, std::back_inserter(batch.lines));
    std::ranges::move(queue_.ended, std::back_inserter(batch.ended));
    std::ranges::move(queue_.gone, std::back_inserter(batch.gone));
    batch.highest_job = std::max(batch.highest_job, queue_.highest_job);
    lines_.clear();
    bytes_ = 0;
    queue_.ended.clear();
    queue_.gone.clear();
    batch.input_ended |= std::exchange(queue_.input_ended, false);
    room_.notify_all();
}

// False: it is closing, and this is the last commit.
bool journal::wait_for_work(guard& held) {
    work_.wait(held, [this] { return closing_ || !lines_.empty() || !queue_.empty() || !starting_.empty() || error_; });
    const auto when = last_commit_ + (error_ ? clock::duration(before_another_try) : between_commits);
    // Not woken by each thing that happens meanwhile.
    hurry_.wait_until(held, when, [this] { return closing_ || (is_filled_locked(2) && !error_); });
    return !closing_;
}

void journal::work() {
    journal_batch batch;
    bool more = true;
    while (more) {
        std::map<std::uint64_t, pid_t> starting;
        {
            guard held(lock_);
            more = wait_for_work(held);
            take_batch_locked(batch);
            std::swap(starting, starting_);
            last_commit_ = clock::now();
        }
        // Of a commit that failed there may be some here already, which have ended since: they are not found alive, whoever asks.
        for (const auto& [job, pid] : starting)
            if (const auto now = still_running(job, pid)) batch.running.push_back(*now);
        if (write(batch)) batch = {};
    }
}

bool journal::write(journal_batch& batch) {
    std::optional<std::string> failed;
    {
        const std::lock_guard using_file(file_lock_);
        if (!file_) {
            auto made = journal_file::begin(path_, before_);
            if (made)
                file_ = std::move(*made);
            else
                failed = made.error().what;
        }
        if (file_ && !batch.empty()) failed = file_->write(batch);
    }
    if (failed) {
        fail(*failed);
        return false;
    }
    const guard held(lock_);
    error_.reset();
    return true;
}

void journal::fail(const std::string& why) {
    std::function<void(const std::string&)> tell;
    {
        const guard held(lock_);
        if (!error_) tell = trouble_;
        error_ = why;
        room_.notify_all();
    }
    if (tell) tell(why);
}

}  // namespace gm::program
