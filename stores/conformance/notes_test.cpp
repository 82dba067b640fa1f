// What a running job records: progress, a log, steps.
#include "conformance.hpp"

namespace gm::test {

TEST_P(conformance, progress_and_note_of_a_running_job_are_seen) {
    if (lacks(feature::progress)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(find(id).progress, 0);
    const std::vector<job_note> first{{.which = got.which, .progress = 0.25, .note = "a quarter"}};
    EXPECT_EQ(ledger().note(first).value(), std::vector<settled>{settled::yes});
    EXPECT_EQ(find(id).progress, 0.25);
    EXPECT_EQ(find(id).note, "a quarter");
    const std::vector<job_note> second{{.which = got.which, .progress = 0.5}};
    EXPECT_EQ(ledger().note(second).value(), std::vector<settled>{settled::yes});
    EXPECT_EQ(find(id).progress, 0.5);
    EXPECT_EQ(complete(*worker, got), settled::yes);
    EXPECT_EQ(find(id).note, "a quarter");
}

TEST_P(conformance, note_of_a_claim_that_is_over_is_refused) {
    if (lacks(feature::progress) || lacks(feature::fencing)) return;
    const std::vector<job_id> made = publish({job(), job()});
    const auto worker = subscribe();
    const auto held = claim(*worker, 2);
    ASSERT_EQ(held.size(), 2u);
    EXPECT_EQ(complete(*worker, held[0]), settled::yes);
    const std::vector<job_note> notes{{.which = held[0].which, .progress = 1, .note = "late", .log = "late"},
                                      {.which = held[1].which, .note = "in time"}};
    EXPECT_EQ(ledger().note(notes).value(), (std::vector<settled>{settled::refused, settled::yes}));
    EXPECT_EQ(find(made[0]).note, "");
    EXPECT_TRUE(ledger().logs(made[0]).value().empty());
    EXPECT_EQ(find(made[1]).note, "in time");
    if (lacks(feature::steps)) return;
    EXPECT_EQ(ledger().put_step(held[0].which, {"late", {}}).value(), settled::refused);
    EXPECT_TRUE(ledger().steps(made[0]).value().empty());
}

TEST_P(conformance, log_is_kept_by_attempt) {
    if (lacks(feature::progress)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const auto write = [&](const delivery& of, std::string text) {
        const std::vector<job_note> notes{{.which = of.which, .log = std::move(text)}};
        EXPECT_EQ(ledger().note(notes).value(), std::vector<settled>{settled::yes});
    };
    delivery got = claim_one(*worker);
    write(got, "one\n");
    write(got, "two\n");
    EXPECT_EQ(settle(*worker, failed(got, "no")), settled::yes);
    got = claim_one(*worker);
    write(got, "three\n");
    EXPECT_EQ(complete(*worker, got), settled::yes);
    const auto parts = ledger().logs(id).value();
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].epoch, 1);
    EXPECT_EQ(parts[0].text, "one\ntwo\n");
    EXPECT_EQ(parts[0].left_out, 0u);
    EXPECT_EQ(parts[1].epoch, 2);
    EXPECT_EQ(parts[1].text, "three\n");
}

TEST_P(conformance, long_log_keeps_its_first_half_and_its_last) {
    if (lacks(feature::progress)) return;
    reopen({.log = 1000});
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    std::string all;
    for (int i = 0; i != 500; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        const std::vector<job_note> notes{{.which = got.which, .log = line}};
        EXPECT_EQ(ledger().note(notes).value(), std::vector<settled>{settled::yes});
        all += line;
    }
    const auto parts = ledger().logs(id).value();
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].text, all.substr(0, 500) + all.substr(all.size() - 500));
    EXPECT_EQ(parts[0].left_out, all.size() - 1000);
}

TEST_P(conformance, log_longer_than_the_bound_at_once_is_cut_in_the_middle) {
    if (lacks(feature::progress)) return;
    reopen({.log = 10});
    const job_id id = publish(job());
    const auto worker = subscribe();
    const std::vector<job_note> notes{{.which = claim_one(*worker).which, .log = "abcdefghijklmnopqrstuvwxyz"}};
    EXPECT_EQ(ledger().note(notes).value(), std::vector<settled>{settled::yes});
    const auto parts = ledger().logs(id).value();
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].text, "abcdevwxyz");
    EXPECT_EQ(parts[0].left_out, 16u);
}

TEST_P(conformance, steps_of_a_job_outlive_its_attempts) {
    if (lacks(feature::steps)) return;
    const job_id id = publish(job());
    const auto witness = subscribe();
    auto worker = subscribe();
    delivery got = claim_one(*worker);
    EXPECT_FALSE(got.has_steps);
    EXPECT_EQ(ledger().put_step(got.which, {"download", {"a.jpg", "text/plain"}}).value(), settled::yes);
    EXPECT_EQ(ledger().put_step(got.which, {"resize", {"{}", ""}}).value(), settled::yes);
    EXPECT_EQ(ledger().put_step(got.which, {"resize", {"[]", ""}}).value(), settled::yes);  // the later one counts
    const auto expect_steps = [&] {
        const auto steps = ledger().steps(id).value();
        ASSERT_EQ(steps.size(), 2u);
        EXPECT_EQ(steps[0].name, "download");
        EXPECT_EQ(steps[0].result, (body{"a.jpg", "text/plain"}));
        EXPECT_EQ(steps[1].name, "resize");
        EXPECT_EQ(steps[1].result.bytes, "[]");
    };
    expect_steps();
    EXPECT_EQ(settle(*worker, failed(got, "no")), settled::yes);
    got = claim_one(*worker);
    EXPECT_TRUE(got.has_steps);
    expect_steps();
    die_under(std::move(worker), *witness);
    EXPECT_EQ(ledger().put_step(got.which, {"late", {}}).value(), settled::refused);
    EXPECT_TRUE(claim_one(*witness, jobs::claim::suspect).has_steps);
    expect_steps();
}

TEST_P(conformance, step_without_a_name_or_with_too_much_is_refused) {
    if (lacks(feature::steps)) return;
    publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_TRUE(is_fault(ledger().put_step(got.which, {"", {}}), store_fault::invalid));
    EXPECT_TRUE(
        is_fault(ledger().put_step(got.which, {"big", {std::string(64 * 1024 + 1, 'x'), ""}}), store_fault::invalid));
}

}  // namespace gm::test
