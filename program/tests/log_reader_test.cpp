#include "program/jobs/log_reader.hpp"

#include <random>

#include <gtest/gtest.h>

namespace {

using namespace gm::program;
using gm::jobs::log_part;

// What a store keeps of a log: the first half of `most` bytes and the last.
log_part kept(std::int64_t epoch, const std::string& all, std::size_t most) {
    if (all.size() <= most) return {epoch, all, 0};
    return {epoch, all.substr(0, most / 2) + all.substr(all.size() - (most - most / 2)), all.size() - most};
}

std::string told(log_reader& reader, const std::vector<log_part>& parts) {
    std::string text;
    for (const log_piece& each : reader.news(parts)) {
        if (each.first) text += "#" + std::to_string(each.epoch) + " ";
        if (each.left_out != 0) text += "[" + std::to_string(each.left_out) + "]";
        text += each.text;
    }
    return text;
}

TEST(log_reader, tells_each_byte_once) {
    log_reader reader;
    EXPECT_EQ(told(reader, {}), "");
    EXPECT_EQ(told(reader, {{1, "one ", 0}}), "#1 one ");
    EXPECT_EQ(told(reader, {{1, "one ", 0}}), "");
    EXPECT_EQ(told(reader, {{1, "one two ", 0}}), "two ");
    EXPECT_EQ(told(reader, {{1, "one two three", 0}, {4, "again", 0}}), "three#4 again");
    EXPECT_EQ(told(reader, {{1, "one two three", 0}, {4, "again", 0}}), "");
}

TEST(log_reader, a_long_log_is_told_with_its_gap) {
    log_reader reader;
    EXPECT_EQ(told(reader, {kept(1, "abcdefghij", 4)}), "#1 ab[6]ij");
    EXPECT_EQ(told(reader, {kept(1, "abcdefghijk", 4)}), "k");
    EXPECT_EQ(told(reader, {kept(1, "abcdefghijklmnop", 4)}), "[3]op");
}

// However it grows and whenever somebody looks, what was told and what was left out add up to the log.
TEST(log_reader, accounts_for_every_byte_of_a_growing_log) {
    std::mt19937 dice(7);
    for (int round = 0; round != 300; ++round) {
        log_reader reader;
        std::string all;
        std::size_t position = 0;
        const std::size_t most = 1 + dice() % 12;
        for (int look = 0; look != 8; ++look) {
            for (std::size_t n = dice() % 9; n != 0; --n) all += static_cast<char>('a' + all.size() % 26);
            const log_part part = kept(1, all, most);
            for (const log_piece& each : reader.news(std::span(&part, 1))) {
                position += each.left_out;
                EXPECT_EQ(each.text, all.substr(position, each.text.size())) << round;
                position += each.text.size();
            }
            EXPECT_EQ(position, all.size()) << round;
        }
    }
}

}  // namespace
