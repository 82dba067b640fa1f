#include "program/jobs/filter_words.hpp"

#include <gtest/gtest.h>

#include "program/tests/filter_verb.hpp"
#include "program/verbs/verbs.hpp"

namespace {

using namespace gm::program;
using gm::jobs::state;
using strings = std::vector<std::string>;

using options = gm::test::filter_options;

options read(const strings& words, std::string* error = nullptr) {
    options made;
    const std::string wrong = gm::test::read_filter({words.begin(), words.end()}, made);
    if (error)
        *error = wrong;
    else
        EXPECT_EQ(wrong, "");
    return made;
}

std::string refusal_of(const strings& words) {
    std::string error;
    (void)read(words, &error);
    return error;
}

TEST(filter_words, say_what_a_store_is_asked) {
    const options made = read({"--state", "dead,retrying", "17", "-q", "mail", "20-22", "--older", "1h", "--text=no"});
    const auto asked = made.at(gm::jobs::wall_time(std::chrono::hours(5)));
    EXPECT_EQ(asked.states, (std::vector{state::retrying, state::dead}));
    EXPECT_EQ(asked.queue, "mail");
    EXPECT_EQ(asked.text, "no");
    EXPECT_EQ(asked.inserted_before, gm::jobs::wall_time(std::chrono::hours(4)));
    EXPECT_FALSE(asked.finished_before);
    EXPECT_EQ(asked.ids.size(), 4u);
    EXPECT_EQ(asked.ids[1].number, 20);
}

TEST(filter_words, groups_of_states_are_unions) {
    EXPECT_EQ(read({"-s", "failed"}).plain.states, (std::vector{state::retrying, state::dead}));
    EXPECT_EQ(read({"-s", "over,dead"}).plain.states, (std::vector{state::completed, state::cancelled, state::dead}));
    EXPECT_EQ(read({"-s", "open", "-s", "over"}).plain.states.size(), 8u);
}

TEST(filter_words, what_is_wrong_is_told) {
    EXPECT_EQ(refusal_of({"--state", "ded"}), "--state: there is no state 'ded': did you mean 'dead'?");
    EXPECT_EQ(refusal_of({"--state", ""}).substr(0, 44), "--state: there is no state '': there are wai");
    EXPECT_EQ(refusal_of({"--queue", ""}), "--queue: an empty text is met by every job; leave the flag out");
    EXPECT_EQ(refusal_of({"--older", "x"}).substr(0, 27), "--older: 'x' is no time; wr");
    EXPECT_EQ(refusal_of({"seventeen"}), "'seventeen' is no number of a job; write 17 or 20-29");
    for (const char* word : {"0", "1-", "1-x", "1-2-3", "99999999999999999999", "1.5"})
        EXPECT_NE(refusal_of({word}), "") << word;
    EXPECT_EQ(refusal_of({"9-3"}), "'9-3': the first number is the smaller one");
    EXPECT_EQ(refusal_of({"1-9223372036854775807"}),
              "'1-9223372036854775807': at most 10000 jobs are named by number at a time");
    EXPECT_EQ(refusal_of({"1-10000", "10001"}), "'10001': at most 10000 jobs are named by number at a time");
    EXPECT_EQ(refusal_of({"--quueue", "x"}), "there is no flag --quueue; did you mean --queue?");
}

TEST(filter_words, of_numbers_alone_are_known_as_such) {
    EXPECT_TRUE(read({}).says_nothing());
    EXPECT_TRUE(read({"5"}).only_ids());
    EXPECT_FALSE(read({"5", "-q", "x"}).only_ids());
    EXPECT_FALSE(read({"--newer", "1d"}).only_ids());
    EXPECT_FALSE(read({"--newer", "1d"}).says_nothing());
}

TEST(filter_words, are_written_as_they_are_read) {
    const strings words{"--state",
                        "retrying,dead",
                        "--queue",
                        "mail",
                        "--kind",
                        "k",
                        "--key",
                        "a b",
                        "--tag",
                        "t",
                        "--worker",
                        "w",
                        "--text",
                        "it's",
                        "--older",
                        "5400s",
                        "--newer",
                        "1500ms",
                        "--ended-before",
                        "2026-11-21T13:30:00.000000Z",
                        "--ended-after",
                        "1us",
                        "3",
                        "7-9"};
    EXPECT_EQ(words_of(read(words)), words);
}

}  // namespace
