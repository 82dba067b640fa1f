// result: a value or a reason. send_result: a failure that nobody looks at stops the program.
#include <gristmill/channel.hpp>
#include <gristmill/result.hpp>

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "support/counted.hpp"

namespace {

using gm::channel_status;
using gm::failure;
using gm::result;
using gm::test::broken;
using gm::test::census;
using gm::test::counted;
using gm::test::fragile;

TEST(result, holds_a_value_or_a_reason) {
    result<int, channel_status> value = 7;
    EXPECT_TRUE(value);
    EXPECT_TRUE(value.has_value());
    EXPECT_EQ(*value, 7);
    EXPECT_EQ(value.value(), 7);
    const result<int, channel_status> reason = failure(channel_status::closed);
    EXPECT_FALSE(reason);
    EXPECT_EQ(reason.error(), channel_status::closed);
}

TEST(result, value_of_a_failure_stops_with_the_place) {
    result<int, channel_status> reason = failure(channel_status::closed);
    EXPECT_DEATH((void)reason.value(), "misuse: value.. of a result that holds an error .*result_test.cpp");
}

TEST(result, value_or_and_to_optional) {
    EXPECT_EQ((result<int, channel_status>(7).value_or(1)), 7);
    EXPECT_EQ((result<int, channel_status>(failure(channel_status::closed)).value_or(1)), 1);
    EXPECT_EQ((result<int, channel_status>(7).to_optional()), 7);
    EXPECT_EQ((result<int, channel_status>(failure(channel_status::closed)).to_optional()), std::nullopt);
}

TEST(result, moves_and_copies_account_for_every_value) {
    const census balance;
    result<counted, std::string> one = counted(1);
    result<counted, std::string> copy = one;
    result<counted, std::string> moved = std::move(one);
    EXPECT_EQ(moved->value(), 1);
    EXPECT_EQ(copy->value(), 1);
    copy = failure(std::string("a reason that is too long to be stored inline"));
    EXPECT_EQ(copy.error().size(), 45u);
    copy = std::move(moved);
    EXPECT_EQ(copy->value(), 1);
    result<counted, std::string>& itself = copy;
    copy = itself;
    EXPECT_EQ(copy->value(), 1);
}

TEST(result, moves_values_that_only_move) {
    result<std::unique_ptr<int>, channel_status> one = std::make_unique<int>(7);
    const std::unique_ptr<int> out = *std::move(one);
    EXPECT_EQ(*out, 7);
}

// B11: the old value was destroyed before the throw, and again after it.
TEST(result, throw_while_assigned_leaves_what_was_there) {
    for (const bool had_value : {true, false}) {
        const census balance;
        result<fragile, std::string> target = had_value ? result<fragile, std::string>(fragile(1))
                                                        : result<fragile, std::string>(failure(std::string("why")));
        result<fragile, std::string> source = fragile(2);
        fragile::fuse = 1;  // into the parameter goes well, from there into place throws
        EXPECT_THROW(target = std::move(source), broken);
        fragile::fuse = -1;
        EXPECT_EQ(target.has_value(), had_value);
        if (had_value)
            EXPECT_EQ(target->value(), 1);
        else
            EXPECT_EQ(target.error(), "why");
        target = result<fragile, std::string>(fragile(3));
        EXPECT_EQ(target->value(), 3);
        target = failure(std::string("again"));
        EXPECT_EQ(target.error(), "again");
    }
}

TEST(send_result, failure_that_was_looked_at_is_a_value) {
    const gm::channel<int> closed(1);
    closed.close();
    {
        const gm::send_result sent = closed.send(1);
        EXPECT_FALSE(sent);
        EXPECT_EQ(sent.status(), channel_status::closed);
        EXPECT_TRUE(sent == channel_status::closed);
    }
    gm::send_result first = closed.send(1);
    const gm::send_result moved = std::move(first);
    EXPECT_FALSE(moved);
}

TEST(send_result, failure_that_nobody_looked_at_stops_with_the_place_of_the_send) {
    const gm::channel<int> full(0);
    EXPECT_DEATH(full.send(1, std::chrono::seconds(-1)),
                 "a send timed out and its result was ignored .*result_test.cpp");
    const gm::context_source source;
    source.cancel();
    EXPECT_DEATH(full.send(1, source), "a send was cancelled and its result was ignored .*result_test.cpp");
}

TEST(send_result, success_needs_no_look) {
    const gm::channel<int> numbers(1);
    numbers.send(1);
    EXPECT_EQ(numbers.size(), 1u);
}

}  // namespace
