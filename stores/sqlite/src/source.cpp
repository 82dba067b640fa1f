#include "source.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace gm::stores::sqlite {

using jobs::demand;
using jobs::token;

void bells::add(const void* whose, std::vector<std::string> queues, std::function<void()> bell) {
    const std::lock_guard held(lock_);
    all_.push_back({whose, std::move(queues), std::move(bell)});
}

bool bells::remove(const void* whose) {
    const std::lock_guard held(lock_);
    std::erase_if(all_, [whose](const listener& each) { return each.whose == whose; });
    return !all_.empty();
}

void bells::ring(const std::set<std::string>& queues) const {
    const std::lock_guard held(lock_);
    for (const listener& each : all_)
        if (queues.empty() || std::ranges::any_of(each.queues, [&](const auto& name) { return queues.contains(name); }))
            each.bell();
}

namespace {

std::string name_of_this_process() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
    return std::string(host.data()) + ":" + std::to_string(::getpid());
}

}  // namespace

file_source::file_source(std::shared_ptr<writer> to, std::shared_ptr<bells> among, const jobs::subscription& how)
    : writer_(std::move(to)), bells_(std::move(among)), byte_(writer_->path()) {
    self_.version = writer_->ours().version();
    self_.name = how.worker.empty() ? name_of_this_process() : how.worker;
    for (const std::string& each : how.queues)
        if (std::ranges::find(self_.queues, each) == self_.queues.end()) self_.queues.push_back(each);
    bell_ = how.bell;
    self_.lease = how.lease.count();
    self_.started = wall_now();
    // A number first, then its byte, then its row: a row whose byte is free is one of the dead.
    const auto number = writer_->run_as_value([](session& in) { return next_worker(in); });
    if (!number) throw trouble{number.error()};
    self_.number = *number;
    byte_.live(self_.number);
    const auto signed_on = writer_->run_as_value([this](session& in) { return sign_on(in, self_), true; });
    if (!signed_on) throw trouble{signed_on.error()};
    steady_since_ = last_beat_ = boot_now();
    claims_.worker = self_.number;
    claims_.queues = self_.queues;
    if (how.bell) {
        bells_->add(this, how.queues, how.bell);
        writer_->listen(true);
    }
}

file_source::~file_source() {
    if (!bells_->remove(this)) writer_->listen(false);
    if (abandoned_) return;
    // If the store is out of reach, the byte that is freed below says that this worker is gone.
    static_cast<void>(writer_->run_as_value([this](session& in) { return sign_off(in, self_.number), true; }));
}

// Settles and claims in one transaction. A worker that was declared dead meanwhile signs on again before it claims.
struct file_source::exchange_operation final : operation {
    exchange_operation(file_source& of, std::span<const jobs::settlement> given, const jobs::demand& demanded)
        : self(of), finishes(given), wanted(demanded) {}

    void run(session& in) override {
        made = {};
        made.outcomes.reserve(finishes.size());
        for (const jobs::settlement& each : finishes) made.outcomes.push_back(settle_one(in, each));
        self.claims_.name = in.number_of(self.self_.name);
        claims taken = claim(in, self.claims_, may_claim(in) ? wanted : demand{.which = wanted.which});
        made.jobs = std::move(taken.jobs);
        claimed_at = in.now();
        queues.clear();
        for (const jobs::delivery& each : made.jobs) queues.push_back(in.queue(each.queue).number);
        made.suspects = taken.suspects;
        made.next_in = taken.next_in;
    }

    void committed() noexcept override {
        // What was refused stays until a beat has told that it is lost.
        for (std::size_t i = 0; i != finishes.size(); ++i)
            if (made.outcomes[i] == jobs::settled::yes) self.let_go(finishes[i].which);
        for (std::size_t i = 0; i != made.jobs.size(); ++i) {
            const jobs::delivery& each = made.jobs[i];
            self.held_.insert_or_assign(each.which, remembered{queues[i], self.claims_.name, each.key, claimed_at});
            if (each.crashes > 0) self.suspect_ = each.which;
        }
        ++self.claims_.turn;
    }

    // After a power cut nobody holds the claim any more, so it need not be known. Unless its job may be what cuts the power.
    bool may_be_lost() const noexcept override { return finishes.empty() && wanted.which == jobs::claim::ordinary; }

    jobs::settled settle_one(session& in, const jobs::settlement& finish) const {
        const auto known = self.held_.find(finish.which);
        if (known != self.held_.end() && complete(in, self.self_.number, finish, known->second))
            return jobs::settled::yes;
        return settle(in, self.self_.number, finish);
    }

    // A worker whose lease is over gets nothing until it has beaten. One that has a suspect, or wants one, holds nothing else.
    bool may_claim(session& in) const {
        if (!lease_is_good(in, self.self_.number)) return false;
        if (wanted.which == jobs::claim::suspect) return !holds_any(in, self.self_.number);
        return !self.suspect_ ||
               std::ranges::any_of(finishes, [this](const auto& each) { return each.which == *self.suspect_; });
    }

    file_source& self;
    const std::span<const jobs::settlement> finishes;
    const jobs::demand& wanted;
    jobs::exchanged made;
    std::vector<std::int64_t> queues;  // of made.jobs
    micros claimed_at = 0;
};

result<jobs::exchanged, jobs::store_error> file_source::exchange(std::span<const jobs::settlement> finishes,
                                                                 const jobs::demand& wanted) {
    exchange_operation asked(*this, finishes, wanted);
    if (auto error = writer_->run(asked)) return failure(std::move(*error));
    return std::move(asked.made);
}

void file_source::let_go(const token& which) noexcept {
    held_.erase(which);
    if (suspect_ == which) suspect_.reset();
}

struct file_source::beat_operation final : operation {
    beat_operation(file_source& of, const jobs::pulse& pulse) : self(of), how(pulse) {}

    void run(session& in) override { found = renew(in, self.self_, how); }

    void committed() noexcept override {
        for (const auto& [each, job] : self.held_)
            if (!std::ranges::binary_search(found.held, std::pair(each.first, each.second))) made.lost.push_back(each);
        for (const token& each : made.lost) self.let_go(each);
        made.cancelled = std::move(found.cancelled);
        made.workers_wanted = found.wanted;
        const micros now = boot_now();
        const bool was_late = now - self.last_beat_ > self.self_.lease;
        if (was_late) self.steady_since_ = now;
        if (was_late && self.bell_) self.bell_();  // it was given nothing meanwhile
        self.last_beat_ = now;
    }

    file_source& self;
    const jobs::pulse& how;
    renewed found;
    jobs::beaten made;
};

result<jobs::beaten, jobs::store_error> file_source::beat(const jobs::pulse& how) {
    beat_operation asked(*this, how);
    if (auto error = writer_->run(asked)) return failure(std::move(*error));
    return std::move(asked.made);
}

// When the machine has slept, or the store was out of reach, all leases are over at once, and nobody is dead.
micros file_source::steady_for() const noexcept {
    return boot_now() - last_beat_ <= self_.lease ? last_beat_ - steady_since_ : 0;
}

result<jobs::swept, jobs::store_error> file_source::sweep() {
    const micros steady = steady_for();
    return writer_->run_as_value([&](session& in) {
        jobs::swept made;
        made.rescued = rescue(in, self_, byte_, steady);
        made.removed = remove_old(in);
        if (made.removed >= removed_at_once) made.again_in = {};
        return made;
    });
}

}  // namespace gm::stores::sqlite
