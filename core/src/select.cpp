#include <gristmill/detail/select_core.hpp>

#include <algorithm>
#include <bit>
#include <functional>

namespace gm::detail {

namespace {

constexpr std::uint32_t deadline_id = claim_word::timed_out;

// Any generator does: it only has to be fair, and quick.
std::uint64_t random_number() noexcept {
    if (current_engine) return current_engine->random();
    static constinit thread_local std::uint64_t state = 0;
    if (state == 0) state = os::ticks() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

}  // namespace

select_core::select_core(std::span<select_case* const> cases, bool in_order) noexcept
    : cases_(cases.data()), count_(static_cast<std::uint8_t>(cases.size())), in_order_(in_order) {
    for (std::uint8_t i = 0; i < count_; ++i) {
        const select_case& each = *cases_[i];
        if (each.kind == case_kind::otherwise) otherwise_case_ = i;
        if (each.kind == case_kind::deadline &&
            (deadline_case_ == none || static_cast<const deadline_case&>(each).deadline < limit().deadline))
            deadline_case_ = i;
    }
}

// The next case to look at: the first left, or any of them.
std::size_t select_core::draw(std::size_t& left, std::uint64_t& unseen) noexcept {
    std::size_t skip = 0;
    if (!in_order_ && left > 1) skip = static_cast<std::size_t>((random_number() >> 32) * left >> 32);
    --left;
    std::uint64_t rest = unseen;
    for (; skip != 0; --skip) rest &= rest - 1;
    const int index = std::countr_zero(rest);
    unseen &= ~(std::uint64_t{1} << index);
    return static_cast<std::size_t>(index);
}

bool select_core::fire(std::size_t index, channel_status outcome) noexcept {
    status_ = channel_status::ok;
    chosen_ = static_cast<std::uint8_t>(index);
    outcome_ = outcome;
    return true;
}

// Under the case's lock.
bool select_core::attempt(std::size_t index, wake_list& wakes) {
    select_case& each = *cases_[index];
    const channel_status status = each.attempt(each, wakes);
    if (status == channel_status::would_block) return false;
    if (status == channel_status::closed && each.node.retires) {
        each.retired = true;
        return false;
    }
    return fire(index, status);
}

bool select_core::poll() {
    std::uint64_t unseen = 0;
    for (std::size_t i = 0; i < count_; ++i)
        if (cases_[i]->live()) unseen |= std::uint64_t{1} << i;
    for (auto left = static_cast<std::size_t>(std::popcount(unseen)); left != 0;) {
        const std::size_t index = draw(left, unseen);
        wake_list wakes;
        bool fired;
        {
            channel_guard hold(cases_[index]->channel->guard);
            fired = attempt(index, wakes);
        }
        wakes.wake();
        if (fired) return true;
    }
    if (otherwise_case_ != none) return fire(otherwise_case_, channel_status::ok);
    if (deadline_case_ != none && limit().deadline <= now()) return fire(deadline_case_, channel_status::ok);
    return all_retired();
}

// True: no case can ever fire.
bool select_core::all_retired() noexcept {
    bool any_retired = false;
    for (const select_case* each : cases()) {
        if (each->live()) return false;
        any_retired |= each->retired;
    }
    if (deadline_case_ != none) return false;
    if (!any_retired)
        misuse("a select whose channels are all nil, without a deadline, would wait for ever", cases_[0]->where);
    status_ = channel_status::closed;
    return true;
}

// ---- all channels at once ----

namespace {

// The distinct channels of the live cases, locked in the order of their addresses. The list is a copy: once the first
// lock is released, another thread may resume a coroutine that waits. It then withdraws from every channel, so it
// cannot get past the locks that are still held here.
class channel_locks {
public:
    explicit channel_locks(std::span<select_case* const> cases) noexcept {
        for (const select_case* each : cases) {
            if (!each->live()) continue;
            channel_base** const at = std::lower_bound(first_, first_ + count_, each->channel, std::less<>());
            if (at != first_ + count_ && *at == each->channel) continue;  // the same channel twice
            std::move_backward(at, first_ + count_, first_ + count_ + 1);
            *at = each->channel;
            ++count_;
        }
        for (std::size_t i = 0; i != count_; ++i) how_[i] = first_[i]->guard.acquire(current_worker);
    }
    channel_locks(const channel_locks&) = delete;
    channel_locks& operator=(const channel_locks&) = delete;
    ~channel_locks() {
        while (count_ != 0) {
            --count_;
            first_[count_]->guard.release(how_[count_]);
        }
    }

private:
    std::size_t count_ = 0;
    channel_base* first_[64];
    channel_lock::entry how_[64];
};

}  // namespace

bool select_core::attempt_all_locked(wake_list& wakes) {
    std::uint64_t unseen = 0;
    for (std::size_t i = 0; i < count_; ++i)
        if (cases_[i]->live()) unseen |= std::uint64_t{1} << i;
    for (auto left = static_cast<std::size_t>(std::popcount(unseen)); left != 0;)
        if (attempt(draw(left, unseen), wakes)) return true;
    return false;
}

// Under all locks: true if the select waits now.
bool select_core::enqueue(const wakeable& self, wake_list& wakes) {
    if (attempt_all_locked(wakes)) return false;
    std::uint32_t live = deadline_case_ != none ? 1 : 0;
    for (const select_case* each : cases()) live += each->live() ? 1 : 0;
    if (live == 0) {
        status_ = channel_status::closed;
        return false;
    }
    word_.live.store(live, std::memory_order_relaxed);
    suspended_ = true;
    word_.arm();
    for (std::size_t i = 0; i < count_; ++i) {
        select_case& each = *cases_[i];
        if (!each.live()) continue;
        each.node.wake = self.wake;
        each.node.target = self.target;
        each.node.claim = &word_;
        each.node.id = static_cast<std::uint32_t>(i + 1);
        each.queue().push(each.node);
    }
    return true;
}

void select_core::withdraw_all() noexcept {
    for (select_case* each : cases())
        if (each->live()) static_cast<void>(each->channel->withdraw(each->node, each->queue()));
}

// The word says who fired; the rest is withdrawn.
void select_core::conclude() noexcept {
    suspended_ = false;
    const std::uint32_t winner = word_.winner();
    withdraw_all();
    if (winner == deadline_id) {
        fire(deadline_case_, channel_status::ok);
        return;
    }
    const select_case& chosen = *cases_[winner - 1];
    if (chosen.node.outcome == channel_status::closed && chosen.node.retires)
        status_ = channel_status::closed;
    else
        fire(winner - 1, chosen.node.outcome);
}

void select_core::wait_here() {
    if (current_worker)
        misuse("a blocking select on a thread of a scheduler: co_await async_select instead", cases_[0]->where);
    parker bed;
    wakeable self;
    self.wake = wake_thread;
    self.target = &bed;
    if (current_engine) [[unlikely]]
        current_engine->waits(nullptr, "selects", nullptr, cases_[0]->where);
    wake_list wakes;
    bool waits;
    {
        channel_locks hold(cases());
        waits = enqueue(self, wakes);
    }
    wakes.wake();
    if (!waits) return;
    if (deadline_case_ == none)
        bed.park();
    else if (!bed.park_until(limit().deadline) && !word_.claim(deadline_id))
        bed.park();  // a channel was quicker; its wake-up is on the way
    conclude();
}

bool select_core::suspend() {
    const wakeable self = this->self();  // its node is about to be linked
    if (current_engine && !self.wake) [[unlikely]]
        current_engine->waits(static_cast<task_header*>(self.target), "selects", nullptr, cases_[0]->where);
    wake_list wakes;
    bool waits;
    {
        channel_locks hold(cases());
        waits = enqueue(self, wakes);
        if (waits && deadline_case_ != none) {
            deadline_case::alarm& clock = limit().clock;
            clock.node.wake = self.wake;
            clock.node.target = self.target;
            clock.word = &word_;
            clock.fire = [](timer& entry, wake_list& list) noexcept {
                auto& here = static_cast<deadline_case::alarm&>(entry);
                if (here.word->claim(deadline_id)) list.commit(here.node);
            };
            start_timer(clock, limit().deadline);
        }
    }
    wakes.wake();
    if (!waits && current_engine && !self.wake) [[unlikely]]
        current_engine->waits(static_cast<task_header*>(self.target), nullptr, nullptr, {});
    return waits;
}

void select_core::resumed() noexcept {
    if (!suspended_) return;
    if (deadline_case_ != none) stop_timer(limit().clock);
    conclude();
}

int select_core::abandon() noexcept {
    if (!suspended_) return -1;
    suspended_ = false;
    withdraw_all();
    if (deadline_case_ != none) stop_timer(limit().clock);
    settle(self());
    const std::uint32_t winner = word_.winner();
    if (winner == claim_word::waiting || winner == deadline_id) return -1;
    return static_cast<int>(winner - 1);
}

}  // namespace gm::detail
