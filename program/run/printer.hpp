#pragma once
// The one thread that writes to standard output and standard error. The crew hands it what jobs have written and goes on: somebody
// who reads slowly, or not at all, holds no timeout and no signal. What waits here is counted, so that the crew can pause.
//
// A status, once one is shown, stays at the bottom of the terminal, below all output. The cursor rests at its first character: whatever a
// terminal makes of the lines when its size changes, erasing from the cursor on erases the status and nothing else. The cursor is never
// hidden, and no mode of the terminal is left changed: there is nothing to restore, not even after SIGKILL.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <gristmill/channel.hpp>
#include <gristmill/detail/joined_thread.hpp>
#include <gristmill/kinds/exec/output_buffer.hpp>

namespace gm::program {

// What one job has written.
struct job_output {
    kinds::exec::output_buffer output, errors;
    std::optional<std::string> tag;  // goes before each line, with a tab

    bool empty() const noexcept { return output.empty() && errors.empty(); }
    std::size_t size() const noexcept { return static_cast<std::size_t>(output.size() + errors.size()); }
};

enum class stream : unsigned char { output, errors };

class printer {
public:
    struct hooks {
        std::function<void()> room;                   // little waits here again, after there was too much
        std::function<void()> closed;                 // nobody reads our standard output any more
        std::function<void(std::error_code)> failed;  // it cannot be written to, or what was kept cannot be read
    };
    explicit printer(hooks tell);
    ~printer() { close(); }

    void print(job_output&& whole);
    void print(stream to, std::string&& text);
    // Lines at the bottom of the terminal, in place of those before; empty: none. Each has to fit the terminal's width. While a
    // status is shown, output comes to the terminal with the next one, a frame in one piece: call it several times a second.
    // requires: standard error is a terminal.
    void show_status(std::string&& lines);

    // The status goes from the terminal, and none is drawn until return_to_terminal(). It is gone when this returns, unless somebody holds
    // up our output: that is not waited for.
    void leave_terminal();
    void return_to_terminal();

    // True: pause. `room` will be called. Thread safety: any thread.
    bool is_full() noexcept;

    // Everything that was handed over is written when it returns.
    void close();

private:
    struct item {
        enum kind : unsigned char { of_job, of_text, new_status, leave, come_back };
        kind what = of_text;
        std::optional<job_output> whole;
        stream to = stream::output;
        std::string text;
        std::optional<std::promise<void>> done;
    };
    void hand_over(item&& one, std::size_t size);
    void work();
    void write(item& one);
    void write_whole(stream to, const kinds::exec::output_buffer& from, const std::optional<std::string>& tag);
    void write_text(stream to, std::string_view text);
    void lost_output(std::error_code why);
    void take_status();
    void draw(bool with_status);

    const hooks tell_;
    const bool same_terminal_;  // standard output goes to the terminal of the status
    channel<item> items_ = channel<item>::unbounded();
    std::atomic<std::size_t> waiting_{0};
    std::atomic<bool> somebody_paused_{false};
    bool closed_ = false;  // standard output, and it was told; the thread's
    bool failed_ = false;  // the thread's

    std::mutex status_lock_;   // protects the next two
    std::string next_status_;  // of several that wait the last
    bool status_waits_ = false;
    // The thread's, and all about the terminal:
    std::string status_;         // to be seen; empty: nothing is drawn, and output goes straight through
    std::string scrolls_;        // what was written since the last frame
    bool away_ = false;          // from the terminal: no status is drawn
    bool drawn_ = false;         // a status is on the screen, and the cursor at its beginning
    bool at_line_start_ = true;  // after what was written, here or in scrolls_
    detail::joined_thread thread_;
};

// `text` with `tag` and a tab at the beginning of each line; `at_start` says whether it begins a line, and then whether the next text does.
std::string tagged(std::string_view text, std::string_view tag, bool& at_start);

}  // namespace gm::program
