#include "program/run/output_order.hpp"

#include <utility>

namespace gm::program {

namespace {

constexpr std::size_t most_in_memory = std::size_t{32} << 20;
constexpr std::size_t most_of_one = std::size_t{64} << 10;

std::size_t in_memory(const job_output& what) { return what.output.in_memory() + what.errors.in_memory(); }

}  // namespace

output_order::entry& output_order::entry_of(std::uint64_t number) {
    const auto found = held_.find(number);
    if (found != held_.end()) return found->second;
    job_output empty{{spill_, most_of_one}, {spill_, most_of_one}, {}};
    return held_.emplace(number, entry{std::move(empty), false}).first->second;
}

std::error_code output_order::lines(std::uint64_t number, stream which, std::string&& text) {
    const std::lock_guard guard(lock_);
    if (number == turn_) {
        to_.print(which, std::move(text));
        return {};
    }
    job_output& what = entry_of(number).what;
    const std::size_t before = in_memory(what);
    const auto failed = (which == stream::output ? what.output : what.errors).append(text);
    in_memory_ += in_memory(what) - before;
    return failed;
}

std::error_code output_order::finish(std::uint64_t number, job_output&& whole) {
    const std::lock_guard guard(lock_);
    std::error_code failed;
    entry& one = entry_of(number);
    one.finished = true;
    if (one.what.empty()) {
        one.what = std::move(whole);
        in_memory_ += in_memory(one.what);
        if (number != turn_ && in_memory_ > most_in_memory) {
            in_memory_ -= in_memory(one.what);
            failed = one.what.output.spill();
            if (!failed) failed = one.what.errors.spill();
            in_memory_ += in_memory(one.what);
        }
    }
    advance_locked();
    return failed;
}

void output_order::advance_locked() {
    for (auto next = held_.begin(); next != held_.end() && next->first == turn_; next = held_.begin()) {
        entry one = std::move(next->second);
        held_.erase(next);
        in_memory_ -= in_memory(one.what);
        if (!one.what.empty()) to_.print(std::move(one.what));
        if (!one.finished) return;  // it is its turn: its further lines go straight through
        ++turn_;
    }
}

void output_order::flush() {
    const std::lock_guard guard(lock_);
    for (auto& [number, one] : held_)
        if (!one.what.empty()) to_.print(std::move(one.what));
    held_.clear();
    in_memory_ = 0;
}

std::size_t output_order::held() const {
    const std::lock_guard guard(lock_);
    return held_.size();
}

}  // namespace gm::program
