#include "program/run/printer.hpp"

#include <unistd.h>

#include <chrono>
#include <utility>

#include <gristmill/kinds/exec/system_calls.hpp>

#include "program/run/terminal.hpp"

namespace gm::program {

namespace {

using kinds::exec::write_all;

constexpr std::size_t much = std::size_t{4} << 20;
constexpr std::size_t little = much / 4;
constexpr std::size_t cost_of_item = 1024;  // so that many small ones are many
constexpr std::size_t frame_size = std::size_t{64} << 10;
constexpr auto longest_farewell = std::chrono::milliseconds(200);

// From the cursor's line on. In two steps: where all of the screen is erased at once, tmux keeps what stood there in its history.
constexpr std::string_view erase_below = "\r\x1b[K\x1b[C\x1b[J\r";

}  // namespace

std::string tagged(std::string_view text, std::string_view tag, bool& at_start) {
    std::string all;
    while (!text.empty()) {
        if (at_start) {
            all += tag;
            all += '\t';
        }
        const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
        all += text.substr(0, size);
        at_start = text[size - 1] == '\n';
        text.remove_prefix(size);
    }
    return all;
}

printer::printer(hooks tell)
    : tell_(std::move(tell)), same_terminal_(output_shares_terminal()), thread_("gm-printer", [this] { work(); }) {}

void printer::hand_over(item&& one, std::size_t size) {
    waiting_ += size + cost_of_item;
    items_.send(std::move(one));
}

void printer::print(job_output&& whole) {
    const std::size_t size = whole.size();
    hand_over({.what = item::of_job, .whole = std::move(whole), .text = {}, .done = {}}, size);
}

void printer::print(stream to, std::string&& text) {
    const std::size_t size = text.size();
    hand_over({.whole = {}, .to = to, .text = std::move(text), .done = {}}, size);
}

// A terminal that takes nothing (Ctrl-S) must not make them pile up: only the last one counts.
void printer::show_status(std::string&& lines) {
    {
        const std::lock_guard guard(status_lock_);
        next_status_ = std::move(lines);
        if (std::exchange(status_waits_, true)) return;
    }
    hand_over({.what = item::new_status, .whole = {}, .text = {}, .done = {}}, 0);
}

void printer::leave_terminal() {
    std::promise<void> done;
    const auto left = done.get_future();
    hand_over({.what = item::leave, .whole = {}, .text = {}, .done = std::move(done)}, 0);
    (void)left.wait_for(longest_farewell);
}

void printer::return_to_terminal() { hand_over({.what = item::come_back, .whole = {}, .text = {}, .done = {}}, 0); }

bool printer::is_full() noexcept {
    if (waiting_ < much) return false;
    somebody_paused_ = true;
    if (waiting_ >= little) return true;
    somebody_paused_ = false;  // it was emptied in between, and perhaps nobody will look again
    return false;
}

void printer::close() {
    items_.close();
    thread_.join();
}

void printer::work() {
    while (auto one = items_.receive()) {
        const std::size_t size = (one->whole ? one->whole->size() : one->text.size()) + cost_of_item;
        write(*one);
        waiting_ -= size;
        if (waiting_ < little && somebody_paused_.exchange(false)) tell_.room();
    }
    draw(false);
}

void printer::write(item& one) {
    switch (one.what) {
        case item::of_job:
            write_whole(stream::output, one.whole->output, one.whole->tag);
            write_whole(stream::errors, one.whole->errors, one.whole->tag);
            break;
        case item::of_text: write_text(one.to, one.text); break;
        case item::new_status:
            take_status();
            draw(true);
            break;
        case item::leave:
            away_ = true;
            draw(false);
            one.done->set_value();
            break;
        case item::come_back: away_ = false; break;
    }
}

void printer::write_whole(stream to, const kinds::exec::output_buffer& from, const std::optional<std::string>& tag) {
    bool at_start = true;
    const auto wrong = from.each_piece([&](std::string_view piece) {
        if (tag)
            write_text(to, tagged(piece, *tag, at_start));
        else
            write_text(to, piece);
        return to == stream::errors || !closed_;
    });
    if (wrong && !std::exchange(failed_, true)) tell_.failed(wrong);
}

// Standard error may be closed, or full: then what should go there is lost, and the run goes on.
void printer::write_text(stream to, std::string_view text) {
    if (text.empty() || (to == stream::output && closed_)) return;
    const bool to_terminal = to == stream::errors || same_terminal_;
    if (to_terminal) at_line_start_ = text.back() == '\n';
    if (to_terminal && !status_.empty()) {
        scrolls_ += text;
        if (scrolls_.size() >= frame_size) draw(false);
    } else if (to == stream::errors) {
        (void)write_all(STDERR_FILENO, text);
    } else if (const auto wrong = write_all(STDOUT_FILENO, text)) {
        lost_output(wrong);
    }
}

void printer::lost_output(std::error_code why) {
    if (std::exchange(closed_, true)) return;
    if (why == std::errc::broken_pipe)
        tell_.closed();
    else
        tell_.failed(why);
}

void printer::take_status() {
    const std::lock_guard guard(status_lock_);
    status_ = std::move(next_status_);
    status_waits_ = false;
}

// A frame: what has scrolled up since the last one, and the status below it. In one write, so that nobody sees a half of it.
void printer::draw(bool with_status) {
    std::string all;
    if (drawn_) all += erase_below;
    all += scrolls_;
    drawn_ = with_status && !away_ && !status_.empty();
    if (drawn_) {
        // Output that does not end its line gets an end of it on the screen.
        if (!std::exchange(at_line_start_, true)) all += "\r\n";
        // No colour of the output goes on here. Lines that are too long, for the terminal has just become narrower, must not wrap.
        all += "\x1b[0m\x1b[?7l";
        std::size_t lines = 0;
        for (const char c : status_) {
            if (c == '\n') ++lines, all += '\r';
            all += c;
        }
        all += "\x1b[?7h\r";
        if (lines != 0) all += "\x1b[" + std::to_string(lines) + 'A';
    }
    const auto wrong = write_all(STDERR_FILENO, all);
    if (wrong && same_terminal_ && !scrolls_.empty()) lost_output(wrong);
    scrolls_.clear();
}

}  // namespace gm::program
