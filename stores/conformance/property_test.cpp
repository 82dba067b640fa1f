// Random operations on the store and on a simple model of it: outcomes, records and counters have to agree after each.
//
// Every worker takes jobs from one queue, so that it is determined what it is given. Where time is real, nothing comes due in
// the course of the test but what is due at once.
#include "conformance.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include <support/seed.hpp>

#include "model.hpp"

namespace gm::test {

namespace {

constexpr std::array<const char*, 2> queues{"a", "b"};
constexpr std::size_t most_jobs = 40;

}  // namespace

class property_run {
public:
    property_run(store_harness& harness, jobs::store& store, std::uint64_t seed)
        : harness_(harness), store_(store), ledger_(*store.ledger()), dice_(seed) {
        for (const char* each : queues) model_.queues[each];
        static_cast<void>(ledger_.retain({.completed = 24h * 1000, .cancelled = 24h * 1000, .dead = 24h * 1000}));
        for (worker& each : workers_) enlist(each);
    }

    void step();
    bool failed() const { return ::testing::Test::HasFailure(); }
    std::string story() const { return story_.str(); }

private:
    struct worker {
        std::unique_ptr<source> takes;
        int number = 0;
        std::string queue;
        unsigned hands = 0;  // as it has told
    };

    void enlist(worker& which);
    bool likely(unsigned percent) { return dice_.below(100) < percent; }
    template <class T>
    const T& any(const std::vector<T>& of) {
        return of[dice_.below(of.size())];
    }
    job_id any_job();
    worker& any_worker() { return workers_[dice_.below(workers_.size())]; }

    void publish();
    void exchange(worker& by);
    settlement any_end(token of);
    void change();
    void control_queue();
    void crash(worker& victim);
    void sign_off(worker& which);
    void beat_all();
    void beat(worker& which);
    std::optional<std::size_t> hands_of_others(const worker& than) const;
    void compare();
    void compare(const record& is, model::job& should);

    store_harness& harness_;
    jobs::store& store_;
    jobs::ledger& ledger_;
    random_source dice_;
    model model_;
    std::array<worker, 3> workers_;
    int last_worker_ = 0;
    wall_time last_beat_{};
    std::vector<token> tokens_;  // the latest: some are presented again
    std::ostringstream story_;   // of this step
    std::size_t steps_ = 0;
};

void property_run::enlist(worker& which) {
    which.number = ++last_worker_;
    which.hands = 0;
    which.queue = queues[static_cast<std::size_t>(&which - workers_.data()) % queues.size()];
    which.takes = std::move(*store_.subscribe({.queues = {which.queue}, .lease = harness_.lease()}));
}

job_id property_run::any_job() {
    if (model_.all.empty()) return {123'456'789};
    return std::next(model_.all.begin(), static_cast<std::ptrdiff_t>(dice_.below(model_.all.size())))->first;
}

void property_run::step() {
    harness_.let_pass(1ms);
    model_.now = store_.now();
    model_.promote();
    story_.str({});
    story_ << "step " << ++steps_ << ": ";
    // Where time is real, also as often as a worker has to: the machine may be slow.
    if (steps_ % 10 == 0 || model_.now - last_beat_ > harness_.lease() / 4) beat_all();
    const std::uint64_t what = dice_.below(100);
    if (what < 30 && model_.all.size() < most_jobs)
        publish();
    else if (what < 75)
        exchange(any_worker());
    else if (what < 90)
        change();
    else if (what < 95)
        control_queue();
    else if (what < 97)
        beat(any_worker());
    else if (what < 98)
        sign_off(any_worker());
    else if (harness_.time_is_virtual() || likely(5))
        crash(any_worker());
    if (!failed()) compare();
}

void property_run::publish() {
    std::vector<new_job> some(1 + dice_.below(3));
    for (new_job& each : some) {
        each.kind = "kind";
        each.queue = queues[dice_.below(2)];
        if (likely(50)) each.key = std::string(1, static_cast<char>('x' + dice_.below(3)));
        if (likely(30)) each.priority = static_cast<int>(dice_.below(5)) - 2;
        if (likely(20)) each.run_at = model_.now + 1h;
        if (likely(30))
            each.unique = unique_key{std::string(1, static_cast<char>('u' + dice_.below(4))),
                                     static_cast<unique_for>(dice_.below(3)), 1h};
        if (!model_.all.empty())
            for (std::uint64_t i = dice_.below(3); i != 0 && likely(50); --i) each.after.push_back(any_job());
        each.orphaned = static_cast<when_parent_fails>(dice_.below(3));
    }
    story_ << "publish " << some.size();
    const auto outcome = store_.sink().publish(some);
    ASSERT_TRUE(outcome) << story() << ": " << outcome.error().what;
    for (std::size_t i = 0; i != some.size(); ++i) {
        const published& is = outcome->at(i);
        const std::optional<job_id> other = model_.duplicate_of(some[i]);
        ASSERT_EQ(is.outcome, other ? published::duplicate : published::accepted) << story();
        if (other) {
            EXPECT_EQ(is.id, *other) << story();
        } else
            model_.insert(is.id, some[i]);
    }
}

settlement property_run::any_end(token of) {
    settlement end{.which = of, .what = static_cast<verdict>(dice_.below(7)), .error = "error"};
    if (likely(40)) end.what = verdict::completed;
    if (likely(50)) end.at = model_.now + 1h;
    return end;
}

void property_run::exchange(worker& by) {
    std::vector<settlement> ends;
    for (const auto& [id, each] : model_.all)
        if (each.state == state::running && each.holder == by.number && likely(60)) ends.push_back(any_end(each.claim));
    if (!tokens_.empty() && likely(20)) ends.push_back(any_end(any(tokens_)));
    if (!ends.empty() && likely(10)) ends.push_back(any(ends));
    const demand wanted{dice_.below(4), dice_.below(3), likely(25) ? claim::suspect : claim::ordinary};
    story_ << "worker " << by.number << " settles " << ends.size() << ", wants " << wanted.idle << "+" << wanted.ahead
           << (wanted.which == claim::suspect ? " suspect" : "");
    const auto done = by.takes->exchange(ends, wanted);
    ASSERT_TRUE(done) << story() << ": " << done.error().what;
    ASSERT_EQ(done->outcomes.size(), ends.size()) << story();
    for (std::size_t i = 0; i != ends.size(); ++i) {
        const bool old = !model_.is_current(ends[i].which);
        const settled should = model_.settle(by.number, ends[i]);
        if (old && !harness_.remembers_old_ends()) continue;
        EXPECT_EQ(done->outcomes[i], should) << story() << ", finish " << i << " of job " << ends[i].which.first
                                             << ", verdict " << static_cast<int>(ends[i].what);
    }
    std::vector<job_id> most = model_.next(by.number, by.queue, wanted, hands_of_others(by));
    EXPECT_GE(done->jobs.size(), std::min(most.size(), wanted.idle)) << story();
    // It need not give what does not start at once, but in a queue without limits.
    const model::queue& home = model_.queues.at(by.queue);
    if (home.running != 0 || home.running_per_key != 0) most.resize(std::min(most.size(), done->jobs.size()));
    ASSERT_EQ(ids(done->jobs), most) << story();
    for (const delivery& each : done->jobs) {
        const model::job& is = model_.all.at(each.id);
        EXPECT_EQ(each.attempt, is.attempts + 1) << story();
        EXPECT_EQ(each.crashes, is.crashes) << story();
        EXPECT_EQ(each.key, is.made.key) << story();
        model_.claimed(each.id, by.number, each.which);
        tokens_.push_back(each.which);
        if (tokens_.size() > 30) tokens_.erase(tokens_.begin());
    }
    if (wanted.idle + wanted.ahead == 0) return;
    EXPECT_EQ(done->suspects, !model_.next(0, by.queue, {.idle = 1, .which = claim::suspect}).empty()) << story();
}

// By name, by state, or by queue.
void property_run::change() {
    filter which;
    if (likely(70))
        which.ids = {any_job(), any_job()};
    else if (likely(70))
        which.states = {static_cast<state>(dice_.below(jobs::states))};
    else
        which.queue = queues[dice_.below(2)], which.key = "x";
    std::vector<job_id> meet;
    for (const auto& [id, each] : model_.all) {
        const bool named = which.ids.empty() || std::ranges::find(which.ids, id) != which.ids.end();
        const bool stated = which.states.empty() || which.states[0] == each.state;
        const bool placed = which.queue.empty() || (each.made.queue == which.queue && each.made.key == which.key);
        if (named && stated && placed) meet.push_back(id);
    }
    const auto expect = [&](const char* what, const result<std::uint64_t, store_error>& done, const auto& each) {
        story_ << what << " of " << meet.size();
        const auto changed = static_cast<std::uint64_t>(std::ranges::count_if(meet, each));
        if (!done) {
            EXPECT_EQ(done.error().fault, store_fault::conflict) << story() << ": " << done.error().what;
        } else
            EXPECT_EQ(*done, changed) << story();
    };
    // All but priorities are changed one by one: a job that is cancelled frees or cancels its children, and two that are revived
    // may want the same key, so in bulk it would matter who comes first. Children before their parents.
    std::ranges::reverse(meet);
    const std::uint64_t how = dice_.below(4);
    if (how == 3) {
        const int priority = static_cast<int>(dice_.below(5)) - 2;
        return expect("set_priority", ledger_.set_priority(which, priority),
                      [&](job_id id) { return model_.set_priority(id, priority); });
    }
    for (job_id id : std::exchange(meet, {})) {
        meet = {id};
        if (how == 0) expect("cancel", ledger_.cancel({.ids = {id}}), [&](job_id each) { return model_.cancel(each); });
        if (how == 1) expect("retry", ledger_.retry({.ids = {id}}), [&](job_id each) { return model_.retry(each); });
        if (how == 2) expect("remove", ledger_.remove({.ids = {id}}), [&](job_id each) { return model_.remove(each); });
    }
}

void property_run::control_queue() {
    const std::string name = queues[dice_.below(2)];
    model::queue& which = model_.queues[name];
    if (likely(50)) {
        const bool paused = likely(30);
        story_ << "pause " << name << " " << paused;
        EXPECT_EQ(ledger_.pause(name, paused).value(), std::exchange(which.paused, paused) != paused) << story();
    } else {
        which.running = likely(50) ? 0 : static_cast<unsigned>(1 + dice_.below(5));
        which.running_per_key = likely(50) ? 0 : static_cast<unsigned>(1 + dice_.below(2));
        story_ << "limit " << name << " " << which.running << ", " << which.running_per_key << " a key";
        EXPECT_TRUE(ledger_.limit(name, {.running = which.running, .running_per_key = which.running_per_key}))
            << story();
    }
}

std::optional<std::size_t> property_run::hands_of_others(const worker& than) const {
    std::size_t hands = 0;
    for (const worker& each : workers_) {
        if (each.queue != than.queue) continue;
        if (each.hands == 0) return std::nullopt;
        if (&each != &than) hands += each.hands;
    }
    return hands;
}

void property_run::beat(worker& which) {
    which.hands = static_cast<unsigned>(1 + dice_.below(3));
    const auto done = which.takes->beat({.workers = which.hands});
    ASSERT_TRUE(done) << story();
    EXPECT_TRUE(done->lost.empty()) << story();
    std::vector<token> expected, told = done->cancelled;
    for (const auto& [id, each] : model_.all)
        if (each.state == state::running && each.holder == which.number && each.cancel_asked)
            expected.push_back(each.claim);
    std::ranges::sort(expected);
    std::ranges::sort(told);
    EXPECT_EQ(told, expected) << story() << "what is cancelled, told to worker " << which.number;
}

void property_run::beat_all() {
    last_beat_ = model_.now;
    for (worker& each : workers_) beat(each);
}

void property_run::sign_off(worker& which) {
    story_ << "worker " << which.number << " signs off";
    which.takes.reset();
    model_.signed_off(which.number);
    enlist(which);
}

void property_run::crash(worker& victim) {
    const auto held = std::ranges::count_if(model_.all, [&](const auto& each) {
        return each.second.state == state::running && each.second.holder == victim.number;
    });
    if (held == 0) return;
    story_ << "worker " << victim.number << " dies with " << held;
    harness_.crash(std::move(victim.takes));
    const int dead = victim.number;
    std::size_t rescued = 0;
    for (int i = 0; i != 60 && rescued == 0; ++i) {
        for (worker& each : workers_)
            if (each.takes) beat(each);
        worker& witness = &victim == &workers_[0] ? workers_[1] : workers_[0];
        rescued = witness.takes->sweep().value().rescued;
        if (rescued == 0) harness_.let_pass(harness_.lease() / 4);
    }
    EXPECT_EQ(rescued, static_cast<std::size_t>(held)) << story();
    model_.now = store_.now();
    model_.died(dead);
    model_.promote();
    enlist(victim);
}

void property_run::compare() {
    model_.now = store_.now();
    model_.promote();
    const auto all = ledger_.list({}, {.by = order::oldest_first, .most = 10'000}).value();
    ASSERT_EQ(all.size(), model_.all.size()) << story();
    auto should = model_.all.begin();
    for (const record& each : all) {
        ASSERT_EQ(each.id, should->first) << story();
        compare(each, should++->second);
    }
    const auto reports = ledger_.queues().value();
    for (const queue_report& each : reports) {
        for (int s = 0; s != jobs::states; ++s)
            EXPECT_EQ(each.counts[static_cast<std::size_t>(s)], model_.count(each.name, static_cast<state>(s)))
                << story() << ": queue " << each.name << ", " << name_of(static_cast<state>(s));
        EXPECT_EQ(each.completed, model_.queues.at(each.name).completed) << story();
        EXPECT_EQ(each.failed, model_.queues.at(each.name).failed) << story();
    }
}

void property_run::compare(const record& is, model::job& should) {
    const std::string where = story() + ": job " + std::to_string(is.id.number);
    // Where time is real, what is due may be made available by the next claim only.
    const bool due = should.state == state::available && (is.state == state::scheduled || is.state == state::retrying);
    if (!due || harness_.time_is_virtual()) {
        EXPECT_EQ(is.state, should.state) << where;
    }
    EXPECT_EQ(is.epoch, should.epoch) << where;
    EXPECT_EQ(is.attempts, should.attempts) << where;
    EXPECT_EQ(is.crashes, should.crashes) << where;
    EXPECT_EQ(is.interruptions, should.interruptions) << where;
    EXPECT_EQ(is.priority, should.made.priority) << where;
    EXPECT_EQ(is.cancel_asked, should.cancel_asked) << where;
    EXPECT_EQ(std::set<job_id>(is.blocked_by.begin(), is.blocked_by.end()), should.blocked_by) << where;
    if (harness_.time_is_virtual()) {
        EXPECT_EQ(is.run_at, should.run_at) << where;
    } else {
        // The moment at which a job became due again is the store's to know, and jobs go by it.
        EXPECT_LT(std::chrono::abs(is.run_at - should.run_at), 10s) << where;
        should.run_at = is.run_at;
    }
}

// A fixed number of steps; GRISTMILL_STRESS_SECONDS, when set, makes it that long instead.
TEST_P(conformance, random_operations_do_what_a_simple_model_says) {
    for (feature each : {feature::query, feature::fencing, feature::unique, feature::after, feature::limits,
                         feature::pause, feature::cancel_running, feature::retention})
        if (lacks(each)) return;
    property_run run(harness(), store(), seed());
    const bool timed = std::getenv("GRISTMILL_STRESS_SECONDS") != nullptr;
    const auto end = std::chrono::steady_clock::now() + stress_time();
    const std::size_t steps = harness().random_steps();
    for (std::size_t i = 0; !run.failed() && (timed ? std::chrono::steady_clock::now() < end : i < steps); ++i)
        run.step();
}

}  // namespace gm::test
