#include "program/run/printer.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gm::program {

namespace {

constexpr std::size_t much = std::size_t{4} << 20;
constexpr std::size_t little = much / 4;
constexpr std::size_t cost_of_item = 1024;  // so that many small ones are many

// 0, or why it failed. A descriptor that somebody has made non-blocking is waited for.
int write_all(int to, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(to, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd wanted{to, POLLOUT, 0};
            ::poll(&wanted, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

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

printer::printer(hooks tell) : tell_(std::move(tell)), thread_("gm-printer", [this] { work(); }) {}

void printer::hand_over(item&& one, std::size_t size) {
    waiting_ += size + cost_of_item;
    items_.send(std::move(one));
}

void printer::print(job_output&& whole) {
    const std::size_t size = whole.size();
    hand_over({.whole = std::move(whole), .text = {}}, size);
}

void printer::print(stream to, std::string&& text) {
    const std::size_t size = text.size();
    hand_over({.whole = {}, .to = to, .text = std::move(text)}, size);
}

void printer::show_status(std::string&& line) {
    hand_over({.whole = {}, .to = stream::errors, .is_status = true, .text = std::move(line)}, 0);
}

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
        const std::size_t size = (one->whole       ? one->whole->size()
                                  : one->is_status ? 0
                                                   : one->text.size()) +
                                 cost_of_item;
        write(*one);
        waiting_ -= size;
        if (waiting_ < little && somebody_paused_.exchange(false)) tell_.room();
    }
    erase_status();
}

void printer::write(item& one) {
    if (one.is_status) {
        if (one.text == status_) return;
        erase_status();
        status_ = std::move(one.text);
        (void)write_all(STDERR_FILENO, status_);
        return;
    }
    const std::string status = status_;
    erase_status();
    if (one.whole) {
        write_whole(stream::output, one.whole->output, one.whole->tag);
        write_whole(stream::errors, one.whole->errors, one.whole->tag);
    } else {
        write_text(one.to, one.text);
    }
    if (!status.empty()) {
        status_ = status;
        (void)write_all(STDERR_FILENO, status_);
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
    if (to == stream::errors) {
        (void)write_all(STDERR_FILENO, text);
        return;
    }
    if (closed_) return;
    const int wrong = write_all(STDOUT_FILENO, text);
    if (wrong == 0) return;
    closed_ = true;
    if (wrong == EPIPE)
        tell_.closed();
    else
        tell_.failed({wrong, std::generic_category()});
}

void printer::erase_status() {
    if (!status_.empty()) (void)write_all(STDERR_FILENO, "\r\x1b[K");
    status_.clear();
}

}  // namespace gm::program
