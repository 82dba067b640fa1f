#include "program/run/feeder.hpp"

#include <sys/eventfd.h>

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace {

using namespace gm::program;
using strings = std::vector<std::string>;

class feeding {
public:
    feeding(strings values, batching how, line_book* book = nullptr) {
        gm::kinds::exec::unique_fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        auto input = argument_tuples::open({{.values = std::move(values), .file = {}}}, {}, stop.get());
        it.emplace(std::make_unique<argument_tuples>(std::move(*input)), how, book, std::move(stop), [this] {
            const std::lock_guard guard(lock_);
            news_ = true;
            changed_.notify_all();
        });
    }

    // Every job, as "number: arguments; ".
    std::string all() {
        std::string text;
        while (true) {
            auto next = it->take();
            if (!next) {
                if (it->is_over()) return text;
                std::unique_lock guard(lock_);
                changed_.wait(guard, [this] { return news_; });
                news_ = false;
                continue;
            }
            text += std::to_string(next->number) + ':';
            for (const std::string& argument : next->arguments) text += ' ' + argument;
            if (!next->lines.empty())
                text +=
                    " (" + std::to_string(next->lines.size()) + " lines, {#} " + std::to_string(next->sequence) + ")";
            text += "; ";
        }
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool news_ = false;

public:
    std::optional<feeder> it;  // the last: its thread uses what is above
};

TEST(feeder, lines_become_jobs) {
    EXPECT_EQ(feeding({"a", "b", "c"}, {}).all(), "1: a; 2: b; 3: c; ");
    EXPECT_EQ(feeding({}, {}).all(), "");
    EXPECT_EQ(feeding({"a", "b", "c"}, {.most = 2}).all(), "1: a b; 2: c; ");
    EXPECT_EQ(feeding({"a", "b"}, {.most = 0}).all(), "1:; 2:; ");
}

TEST(feeder, a_batch_has_room_for_so_much) {
    EXPECT_EQ(feeding({"aaa", "bbb", "cc", "ddddddddddd", "e"}, {.most = 100, .room = 12}).all(),
              "1: aaa bbb; 2: cc; 3: ddddddddddd; 4: e; ");
}

TEST(feeder, what_is_left_is_spread) {
    EXPECT_EQ(feeding({"1", "2", "3", "4", "5", "6", "7"}, {.most = 100, .spread = 3}).all(),
              "1: 1 2 3; 2: 4 5; 3: 6 7; ");
    EXPECT_EQ(feeding({"1"}, {.most = 100, .spread = 3}).all(), "1: 1; ");
}

TEST(feeder, it_reads_a_bounded_number_ahead) {
    feeding much(strings(50'000, "x"), {});
    while (much.it->jobs_read() < 10'000) std::this_thread::yield();
    EXPECT_LE(much.it->jobs_read(), 10'001u);
    EXPECT_FALSE(much.it->is_over());
}

// Sees lines before they are batched, passes some over, and has come to number 100 before.
struct choosy : line_book {
    fate line_read(const strings& arguments, std::uint64_t& number) override {
        seen += arguments[0] + ' ';
        number = 10 + seen.size();
        return arguments[0] == "done" ? fate::pass_over : arguments[0] == "stop" ? fate::stop : fate::run;
    }
    void input_ended() override { seen += "."; }
    std::uint64_t jobs_before() const override { return 100; }
    std::string seen;
};

TEST(feeder, a_book_sees_lines_and_passes_some_over) {
    choosy book;
    EXPECT_EQ(feeding({"a", "done", "a", "b", "done"}, {.most = 2}, &book).all(),
              "1: a a (2 lines, {#} 101); 2: b (1 lines, {#} 102); ");
    EXPECT_EQ(book.seen, "a done a b done .");
    choosy other;
    EXPECT_EQ(feeding({"a", "b", "c", "d"}, {.most = 9, .spread = 2}, &other).all(),
              "1: a b (2 lines, {#} 101); 2: c d (2 lines, {#} 102); ");
}

TEST(feeder, a_line_alone_keeps_the_number_that_it_has_in_the_book) {
    choosy book;
    EXPECT_EQ(feeding({"a", "done", "b"}, {}, &book).all(), "1: a (1 lines, {#} 12); 2: b (1 lines, {#} 19); ");
}

TEST(feeder, a_book_that_takes_no_more_ends_the_reading) {
    choosy book;
    EXPECT_EQ(feeding({"a", "stop", "b"}, {}, &book).all(), "1: a (1 lines, {#} 12); ");
    EXPECT_EQ(book.seen, "a stop ");
}

TEST(feeder, it_can_be_stopped_while_it_waits_for_room) {
    feeding much(strings(50'000, "x"), {});
    while (much.it->jobs_read() < 10'000) std::this_thread::yield();
    much.it->stop();
    EXPECT_LE(much.it->jobs_read(), 10'001u);
}

}  // namespace
