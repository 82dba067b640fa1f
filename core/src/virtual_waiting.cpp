// Strands that wait, for one another and for the clock.
#include <algorithm>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/parker.hpp>

#include "virtual_strand.hpp"

namespace gm::detail {

// False: the world is over, and what is asked no longer matters.
bool virtual_engine::inside() const noexcept {
    if (current_engine == this) return true;
    if (!ended_) misuse("a virtual world was woken or touched from outside of it");
    return false;
}

struct virtual_engine::handle final : thread_handle {
    handle(virtual_engine& owner, std::shared_ptr<strand> thread) noexcept : world(&owner), who(std::move(thread)) {}
    ~handle() override {
        if (who->how == state::finished || who->abandoned) return;
        if (current_engine != world) misuse("a thread of a virtual world joined from outside of it");
        who->joiner = world->current_;
        world->current_->wait = {"joins", who.get(), {}, 0};
        world->give_up(state::joining);
    }
    virtual_engine* world;
    std::shared_ptr<strand> who;
};

bool virtual_engine::asleep(const thread_handle& thread) noexcept {
    return static_cast<const handle&>(thread).who->how == state::parked;
}

std::unique_ptr<engine::thread_handle> virtual_engine::start_thread(std::string name, std::function<void()> body) {
    if (!inside()) misuse("a thread started in a virtual world that is over");
    strand& made = add_strand(std::move(name), std::move(body));
    make_runnable(made);
    return std::make_unique<handle>(*this, strands_.back());
}

bool virtual_engine::park(parker& self, const time_point* deadline) noexcept {
    if (!inside()) misuse("a wait in a virtual world that is over");
    strand& me = *current_;
    me.bed = &self;
    me.in_time = true;
    parked_.emplace(&self, &me);
    if (deadline) beds_.add(me.deadline, *deadline);
    give_up(state::parked);
    me.wait = {};
    return me.in_time;
}

void virtual_engine::unpark(parker& sleeper) noexcept {
    if (!inside()) return;
    const auto found = parked_.find(&sleeper);
    if (found == parked_.end()) return;
    strand& who = *found->second;
    parked_.erase(found);
    beds_.remove(who.deadline);
    make_runnable(who);
}

void virtual_engine::wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
    if (!inside() || word.load(std::memory_order_relaxed) != expected) return;
    strand& me = *current_;
    me.bed = &word;
    strand*& first = parked_[&word];
    me.next_at_lock = nullptr;
    strand** last = &first;
    while (*last) last = &(*last)->next_at_lock;
    *last = &me;
    give_up(state::at_a_lock);
}

void virtual_engine::wake_one(const std::atomic<std::uint32_t>& word) noexcept {
    if (!inside()) return;
    const auto found = parked_.find(&word);
    if (found == parked_.end()) return;
    strand& who = *found->second;
    if (who.next_at_lock)
        found->second = who.next_at_lock;
    else
        parked_.erase(found);
    make_runnable(who);
}

time_point virtual_engine::next_moment() const noexcept {
    time_point next = time_point::max();
    if (!beds_.empty()) next = std::min(next, beds_.first()->due());
    if (clock_ && clock_->how == state::idle && !timers_.empty()) next = std::min(next, timers_.first()->due());
    return next;
}

// True: somebody may run who could not.
bool virtual_engine::advance() noexcept {
    const time_point next = next_moment();
    if (next == time_point::max() || next > (ending_ ? now_ : horizon_)) return false;
    now_ = std::max(now_, next);
    while (!beds_.empty() && beds_.first()->due() <= now_) {
        strand& who = *static_cast<alarm*>(beds_.first())->who;
        beds_.remove(who.deadline);
        parked_.erase(who.bed);
        who.in_time = false;
        make_runnable(who);
    }
    if (clock_ && clock_->how == state::idle && !timers_.empty() && timers_.first()->due() <= now_)
        make_runnable(*clock_);
    return true;
}

void virtual_engine::fire_due_timers() noexcept {
    wake_list wakes;
    {
        lock_guard hold(timers_guard_);
        while (timer* const due = timers_.first()) {
            if (due->due() > now_) break;
            timers_.remove(*due);
            due->fire(*due, wakes);
            if (world_.carriers > 1 && draw(2) == 0) break;
        }
    }
    wakes.wake();
}

void virtual_engine::run_clock() noexcept {
    while (!ended_) {
        fire_due_timers();
        if (timers_.empty() || timers_.first()->due() > now_) give_up(state::idle);
    }
}

// A carrier that has nothing to do acts for the clock when nobody but the clock could go on: what happens is the same, and no thread
// has to hand over to another. A day of coroutines that sleep is four times as fast for it.
void virtual_engine::act_for_clock() noexcept {
    if (world_.carriers > 1 || world_.hasty_clock || ending_ || ended_) return;
    if (!clock_ || clock_->how != state::idle || timers_.empty() || !runnable_.empty()) return;
    if (std::ranges::any_of(crews_, [](const auto& each) { return each->stopping || !each->ready.empty(); })) return;
    const time_point next = timers_.first()->due();
    if (next > horizon_ || (!beds_.empty() && beds_.first()->due() <= next)) return;
    now_ = std::max(now_, next);
    fire_due_timers();
}

void virtual_engine::add_timer(timer& entry, time_point due) noexcept {
    if (!inside()) return;
    if (!clock_) {
        clock_ = &add_strand("clock", [this] { run_clock(); });
        clock_->how = state::idle;
    }
    lock_guard hold(timers_guard_);
    timers_.add(entry, due);
}

void virtual_engine::remove_timer(timer& entry) noexcept {
    if (inside()) {
        lock_guard hold(timers_guard_);
        timers_.remove(entry);
    } else {
        timers_.remove(entry);
    }
}

}  // namespace gm::detail
