#include <gristmill/kinds/exec/kill_ladder.hpp>

#include <signal.h>

#include <gtest/gtest.h>

namespace {

using gm::kinds::exec::kill_ladder;

std::string text(const kill_ladder& ladder) {
    std::string all;
    for (const auto& step : ladder.steps())
        all += gm::kinds::exec::signal_name(step.signal) + ":" + std::to_string(step.patience.count()) + " ";
    return all;
}

TEST(kill_ladder, reads_signals_and_the_times_between_them) {
    EXPECT_EQ(text(*kill_ladder::parse("TERM,200,TERM,100,KILL,25")), "TERM:200 TERM:100 KILL:25 ");
    EXPECT_EQ(text(*kill_ladder::parse("SIGHUP,0,9")), "HUP:0 KILL:0 ");
    EXPECT_EQ(text(kill_ladder()), "TERM:5000 KILL:0 ");
}

TEST(kill_ladder, says_what_is_wrong) {
    EXPECT_EQ(kill_ladder::parse("").error(), "there is no signal ''");
    EXPECT_EQ(kill_ladder::parse("TREM").error(), "there is no signal 'TREM'");
    EXPECT_EQ(kill_ladder::parse("0").error(), "there is no signal '0'");
    EXPECT_EQ(kill_ladder::parse("TERM,soon,KILL").error(), "'soon' is no number of milliseconds");
    EXPECT_EQ(kill_ladder::parse("TERM,-1").error(), "'-1' is no number of milliseconds");
    EXPECT_EQ(kill_ladder::parse("TERM,").error(), "'' is no number of milliseconds");
}

}  // namespace
