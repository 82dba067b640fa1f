#include "line.hpp"

#include <algorithm>
#include <utility>

namespace gm::stores::pg {

using namespace std::chrono_literals;

std::optional<fault> backoff::too_early() const {
    const std::lock_guard lock(mutex_);
    if (last_ && clock::now() < until_) return last_;
    return std::nullopt;
}

void backoff::failed(const fault& why) {
    const std::lock_guard lock(mutex_);
    if (clock::now() < until_) return;  // several lines fail together: that is one failure
    pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, 20ms, 2s);
    until_ = clock::now() + pause_;
    last_ = why;
}

void backoff::succeeded() {
    const std::lock_guard lock(mutex_);
    pause_ = {};
    last_.reset();
}

outcome<connection*> line::open() {
    if (connection_ && connection_->healthy()) return &*connection_;
    connection_.reset();
    if (auto early = pause_->too_early()) return failure(std::move(*early));
    outcome<connection> made = connection::open(*how_);
    if (!made) {
        pause_->failed(made.error());
        return failure(std::move(made).error());
    }
    pause_->succeeded();
    connection_.emplace(*std::move(made));
    return &*connection_;
}

outcome<std::vector<rows>> line::run(std::span<const statement> list, repeatable again) {
    const bool was_open = connection_.has_value();
    outcome<connection*> open_one = open();
    if (!open_one) return failure(std::move(open_one).error());
    auto answers = (*open_one)->run(list);
    if (answers || !answers.error().lost) return answers;
    connection_.reset();
    // An old connection may have been dead for long without anybody's notice: that is not worth an error.
    const bool nothing_happened = !answers.error().ambiguous || again == repeatable::yes;
    return was_open && nothing_happened ? run(list, again) : std::move(answers);
}

std::optional<fault> line::ask(std::span<const statement> list) {
    outcome<connection*> open_one = open();
    if (!open_one) return std::move(open_one).error();
    auto why = (*open_one)->ask(list);
    if (why) connection_.reset();
    return why;
}

outcome<std::vector<rows>> line::hear() {
    auto answers = connection_->hear();
    if (!answers && answers.error().lost) connection_.reset();
    return answers;
}

std::unique_ptr<line> line_pool::take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return !idle_.empty() || made_ < most_; });
    if (idle_.empty()) {
        ++made_;
        return std::make_unique<line>(*how_, *pause_);
    }
    auto one = std::move(idle_.back());
    idle_.pop_back();
    return one;
}

void line_pool::put_back(std::unique_ptr<line> one) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(one));
    freed_.notify_one();
}

outcome<std::vector<rows>> line_pool::run(std::span<const statement> list, repeatable again) {
    auto one = take();
    auto answers = one->run(list, again);
    put_back(std::move(one));
    return answers;
}

outcome<rows> line_pool::run(statement one, repeatable again) {
    auto answers = run(std::span(&one, 1), again);
    if (!answers) return failure(std::move(answers).error());
    return std::move(answers->front());
}

}  // namespace gm::stores::pg
