#include "program/run/feeder.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

namespace gm::program {

feeder::feeder(std::unique_ptr<tuple_source> input, batching how, line_book* book, kinds::exec::unique_fd stop,
               std::function<void()> news)
    : input_(std::move(input)),
      how_(how),
      book_(book),
      stop_(std::move(stop)),
      news_(std::move(news)),
      thread_("gm-feeder", [this] { work(); }) {}

feeder::~feeder() { stop(); }

void feeder::stop() {
    end_.cancel();
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof(one));
    thread_.join();
}

std::ptrdiff_t feeder::weight(const job& one) {
    std::size_t size = sizeof(job);
    for (const std::string& argument : one.arguments) size += argument.size() + sizeof(argument);
    return std::min(static_cast<std::ptrdiff_t>(size), bytes_ahead);
}

std::optional<job> feeder::take() {
    auto one = jobs_.try_receive();
    if (!one) {
        // Said before the second look, so that a job that comes after it is told.
        somebody_looked_ = true;
        one = jobs_.try_receive();
        if (!one) return std::nullopt;
    }
    bytes_.release(weight(*one));
    return std::move(*one);
}

void feeder::tell() {
    if (somebody_looked_.exchange(false)) news_();
}

bool feeder::send(job&& one) {
    const std::ptrdiff_t size = weight(one);
    if (bytes_.acquire(size, end_.get()) != channel_status::ok) return false;
    one.number = read_ + 1;
    // A line that is run on its own has its own number, whichever run it is run in. What is put together anew gets a new one.
    const bool keeps = book_ && how_.most <= 1 && !how_.shuffle;
    one.sequence = keeps ? one.lines.front() : one.number + (book_ ? book_->jobs_before() : 0);
    if (!jobs_.send(std::move(one), end_.get())) return false;
    ++read_;
    tell();
    return true;
}

namespace {

// What an argument takes at most, with its quotes, and a space.
std::size_t quoted_size(const std::string& argument) {
    return argument.size() + 3 + 4 * static_cast<std::size_t>(std::ranges::count(argument, '\''));
}

}  // namespace

// The first of the lines that wait become a job.
bool feeder::send_batch(std::size_t lines) {
    job one;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(lines);
    for (auto next = waiting_.begin(); next != end; ++next) {
        waiting_arguments_ -= next->arguments.size();
        waiting_size_ -= next->size;
        if (book_) one.lines.push_back(next->number);
        if (how_.most != 0) std::ranges::move(next->arguments, std::back_inserter(one.arguments));
    }
    waiting_.erase(waiting_.begin(), end);
    if (!how_.shuffle) return send(std::move(one));
    shuffled_.push_back(std::move(one));
    return true;
}

bool feeder::add(std::vector<std::string>&& tuple) {
    line one{.arguments = std::move(tuple)};
    for (const std::string& argument : one.arguments) one.size += quoted_size(argument) + how_.around;
    if (book_) {
        const auto fate = book_->line_read(one.arguments, one.number);
        if (fate != line_book::fate::run) return fate == line_book::fate::pass_over;
    }
    if (how_.room != 0 && !waiting_.empty() && waiting_size_ + one.size > how_.room && !send_batch(waiting_.size()))
        return false;
    waiting_size_ += one.size;
    waiting_arguments_ += one.arguments.size();
    waiting_.push_back(std::move(one));
    return waiting_arguments_ < how_.most || send_batch(waiting_.size());
}

bool feeder::read_all() {
    std::vector<std::string> tuple;
    while (true) {
        const auto got = input_->next(tuple);
        if (got == tuple_source::status::failed) error_ = input_->error();
        if (got == tuple_source::status::stopped) return false;
        if (got == tuple_source::status::end && book_) book_->input_ended();
        if (got != tuple_source::status::record) break;
        if (!add(std::exchange(tuple, {}))) return false;
    }
    // What is left of -X is spread, so that one job does not get all of a short list while the other slots are idle.
    for (std::size_t jobs = std::max(1u, how_.spread); !waiting_.empty(); jobs = std::max<std::size_t>(1, jobs - 1))
        if (!send_batch((waiting_.size() + jobs - 1) / jobs)) return false;
    if (how_.shuffle) std::ranges::shuffle(shuffled_, std::mt19937_64(std::random_device()()));
    for (job& one : shuffled_)
        if (!send(std::move(one))) return false;
    return true;
}

void feeder::work() {
    read_all();
    over_ = true;
    somebody_looked_ = true;  // the end is always told
    tell();
}

}  // namespace gm::program
