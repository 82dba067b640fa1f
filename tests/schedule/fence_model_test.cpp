// A model of the protocols that rest on the asymmetric fence: the lock's plain release against its sleepers, the biased
// lock's owner against its guest, a channel's lock with its bias; and of the claim word against a context's cancel. Schedule exploration runs one strand at a time and cannot
// show what a store buffer does; here every interleaving of the steps and of the buffers' draining is enumerated, on a machine
// with total store order (x86): a store goes into its thread's buffer and reaches memory at any later time, a thread
// reads its own buffer first, an exchange drains its own buffer, a heavy fence drains everyone's (that is what membarrier
// promises). Each protocol is shown to need its heavy fence: without it the model fails.
//
// Not covered: reorderings weaker than TSO (aarch64). The light fence is a compiler barrier: in the model steps do not move.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

constexpr std::size_t most_threads = 3, most_words = 8, most_pending = 4;

struct state {
    std::array<std::uint8_t, most_words> memory{};
    std::array<std::uint8_t, most_threads> at{};  // each thread's next step
    std::array<std::uint8_t, most_threads> register_{};
    std::array<std::uint8_t, most_threads> asleep_on{};  // 1 + a word
    std::array<std::uint8_t, most_threads> rounds{};
    std::array<std::uint8_t, most_threads> pending{};  // stores in its buffer
    std::array<std::array<std::uint8_t, most_pending>, most_threads> word{};
    std::array<std::array<std::uint8_t, most_pending>, most_threads> value{};
    std::uint8_t inside = 0;  // threads in the critical section
    std::string_view bytes() const noexcept { return {reinterpret_cast<const char*>(this), sizeof *this}; }
    bool operator==(const state& other) const noexcept { return bytes() == other.bytes(); }
};

static_assert(std::has_unique_object_representations_v<state>);

struct hash_of_state {
    std::size_t operator()(const state& what) const noexcept { return std::hash<std::string_view>()(what.bytes()); }
};

class machine;
// One atomic step of a thread. False: it cannot be taken now.
using step = std::function<bool(machine&)>;
using program = std::vector<step>;

class machine {
public:
    explicit machine(std::vector<program> threads) : threads_(std::move(threads)) {}

    // Every reachable state. Empty: exclusion holds in all, and none is stuck.
    std::string verify() {
        std::unordered_set<state, hash_of_state> seen;
        std::vector<state> todo{state{}};
        seen.insert(todo.back());
        while (!todo.empty()) {
            const state from = todo.back();
            todo.pop_back();
            bool moved = false;
            const auto visit = [&] {
                moved = true;
                if (now_.inside > 1) return false;
                if (seen.insert(now_).second) todo.push_back(now_);
                return true;
            };
            for (me_ = 0; me_ != threads_.size(); ++me_) {
                if (from.pending[me_] != 0) {
                    now_ = from;
                    drain_one(me_);
                    if (!visit()) return "two are inside";
                }
                if (from.at[me_] == threads_[me_].size() || from.asleep_on[me_] != 0) continue;
                now_ = from;
                ++now_.at[me_];
                if (threads_[me_][from.at[me_]](*this) && !visit()) return "two are inside";
            }
            bool all_done = true;
            for (std::size_t i = 0; i != threads_.size(); ++i) all_done &= from.at[i] == threads_[i].size();
            if (!moved && !all_done) return "somebody waits for ever";
        }
        states = seen.size();
        return {};
    }

    std::size_t states = 0;

    // ---- what steps are made of ----

    std::uint8_t load(std::uint8_t word) const {
        for (std::size_t i = now_.pending[me_]; i-- != 0;)
            if (now_.word[me_][i] == word) return now_.value[me_][i];
        return now_.memory[word];
    }
    bool store(std::uint8_t word, std::uint8_t value) {
        std::uint8_t& used = now_.pending[me_];
        if (used == most_pending) return false;  // the buffer is full: it drains first
        now_.word[me_][used] = word;
        now_.value[me_][used] = value;
        ++used;
        return true;
    }
    // Read-modify-write: on memory itself, after the own buffer has drained.
    std::uint8_t exchange(std::uint8_t word, std::uint8_t value) {
        drain(me_);
        return std::exchange(now_.memory[word], value);
    }
    bool compare_exchange(std::uint8_t word, std::uint8_t expected, std::uint8_t value) {
        drain(me_);
        if (now_.memory[word] != expected) return false;
        now_.memory[word] = value;
        return true;
    }
    void add(std::uint8_t word, int by) {
        drain(me_);
        now_.memory[word] = static_cast<std::uint8_t>(now_.memory[word] + by);
    }
    void heavy_fence() {
        for (std::size_t i = 0; i != threads_.size(); ++i) drain(i);
    }
    void go_to(std::size_t where) { now_.at[me_] = static_cast<std::uint8_t>(where); }
    std::uint8_t& reg() { return now_.register_[me_]; }
    bool again(std::uint8_t rounds) { return ++now_.rounds[me_] < rounds; }
    void enter() { ++now_.inside; }
    void leave() { --now_.inside; }
    // A futex: the kernel looks at memory, and a waker's call comes after its earlier stores.
    void sleep_while(std::uint8_t word, std::uint8_t value) {
        drain(me_);
        if (now_.memory[word] == value) now_.asleep_on[me_] = static_cast<std::uint8_t>(word + 1);
    }
    void wake_one(std::uint8_t word) {
        drain(me_);
        for (std::uint8_t& each : now_.asleep_on)
            if (each == word + 1) {
                each = 0;
                return;
            }
    }

private:
    void drain_one(std::size_t thread) {
        now_.memory[now_.word[thread][0]] = now_.value[thread][0];
        --now_.pending[thread];
        for (std::size_t i = 0; i != now_.pending[thread]; ++i) {
            now_.word[thread][i] = now_.word[thread][i + 1];
            now_.value[thread][i] = now_.value[thread][i + 1];
        }
        now_.word[thread][now_.pending[thread]] = now_.value[thread][now_.pending[thread]] = 0;
    }
    void drain(std::size_t thread) {
        while (now_.pending[thread] != 0) drain_one(thread);
    }

    std::vector<program> threads_;
    state now_;
    std::size_t me_ = 0;
};

enum class fence { kept, dropped };

// ---- lock: exchange to enter, plain stores to leave, a counted and fenced sleep ----

constexpr std::uint8_t held = 0, sleepers = 1;

program user_of_lock(std::uint8_t rounds, fence heavy) {
    return {
        /* 0 */ [](machine& m) { return m.reg() = m.exchange(held, 1), true; },
        /* 1 */ [](machine& m) { return m.go_to(m.reg() == 0 ? 6 : 2), true; },
        // acquire_contended(): counted, fenced, and only then the last look
        /* 2 */ [](machine& m) { return m.add(sleepers, 1), true; },
        /* 3 */
        [heavy](machine& m) {
            if (heavy == fence::kept) m.heavy_fence();
            return true;
        },
        /* 4 */
        [](machine& m) {
            if (m.exchange(held, 1) == 0) {
                m.reg() = 2;  // counted
                m.go_to(6);
            }
            return true;
        },
        /* 5 */ [](machine& m) { return m.sleep_while(held, 1), m.go_to(m.reg() = 4), true; },
        /* 6 */ [](machine& m) { return m.enter(), true; },
        /* 7 */
        [](machine& m) {
            if (m.reg() == 2) m.add(sleepers, -1);
            return true;
        },
        /* 8 */ [](machine& m) { return m.leave(), true; },
        // release()
        /* 9 */ [](machine& m) { return m.store(held, 0); },
        /* 10 */ [](machine& m) { return m.reg() = m.load(sleepers), true; },
        /* 11 */
        [rounds](machine& m) {
            if (m.reg() != 0) m.wake_one(held);
            m.reg() = 0;
            if (m.again(rounds)) m.go_to(0);
            return true;
        },
    };
}

// ---- biased_lock: the owner's plain stores against a guest's heavy fence ----

constexpr std::uint8_t owner_inside = 2, guest_here = 3;

// The guests' own lock is an ordinary one; its sleep is of no interest here: who finds it held tries again.
program owner_of_bias(std::uint8_t rounds) {
    return {
        /* 0 */ [](machine& m) { return m.store(owner_inside, 1); },
        /* 1 */ [](machine& m) { return m.go_to(m.load(guest_here) == 0 ? 5 : 2), true; },
        /* 2 */ [](machine& m) { return m.store(owner_inside, 0); },
        /* 3 */ [](machine& m) { return m.exchange(held, 1) == 0; },
        /* 4 */ [](machine& m) { return m.store(held, 0) && (m.go_to(0), true); },
        /* 5 */ [](machine& m) { return m.enter(), true; },
        /* 6 */ [](machine& m) { return m.leave(), true; },
        /* 7 */
        [rounds](machine& m) {
            if (!m.store(owner_inside, 0)) return false;
            if (m.again(rounds)) m.go_to(0);
            return true;
        },
    };
}

program guest_of_bias(std::uint8_t rounds, fence heavy) {
    return {
        /* 0 */ [](machine& m) { return m.exchange(held, 1) == 0; },
        /* 1 */ [](machine& m) { return m.store(guest_here, 1); },
        /* 2 */
        [heavy](machine& m) {
            if (heavy == fence::kept) m.heavy_fence();
            return true;
        },
        /* 3 */ [](machine& m) { return m.load(owner_inside) == 0; },
        /* 4 */ [](machine& m) { return m.enter(), true; },
        /* 5 */ [](machine& m) { return m.leave(), true; },
        /* 6 */ [](machine& m) { return m.store(guest_here, 0); },
        /* 7 */
        [rounds](machine& m) {
            if (!m.store(held, 0)) return false;
            if (m.again(rounds)) m.go_to(0);
            return true;
        },
    };
}

// ---- channel_lock: the bias goes to every worker that comes, which is as often as it can change ----

constexpr std::uint8_t owner = 4;  // the words after it are the workers' cells
constexpr std::uint8_t stranger = 3;
enum class cells { each_owner_its_own, one_for_all };

program user_of_channel_lock(std::uint8_t me, std::uint8_t rounds, fence heavy, cells flags) {
    const auto cell = [flags](std::uint8_t of) {
        return static_cast<std::uint8_t>(owner + (flags == cells::one_for_all ? 1 : of));
    };
    const auto leave_by = [rounds](machine& m, std::uint8_t word) {
        if (!m.store(word, 0)) return false;
        m.reg() = 0;
        m.go_to(m.again(rounds) ? 0 : 16);
        return true;
    };
    return {
        /* 0 */ [me](machine& m) { return m.go_to(m.load(owner) == me ? 1 : 4), true; },
        /* 1 */ [=](machine& m) { return m.store(cell(me), 1); },
        /* 2 */ [me](machine& m) { return m.go_to(m.load(owner) == me ? 13 : 3), true; },
        /* 3 */ [=](machine& m) { return m.store(cell(me), 0); },
        // acquire_shared()
        /* 4 */ [](machine& m) { return m.exchange(held, 1) == 0; },
        /* 5 */ [](machine& m) { return m.go_to((m.reg() = m.load(owner)) != 0 ? 6 : 9), true; },
        // revoke()
        /* 6 */ [](machine& m) { return m.store(owner, 0); },
        /* 7 */
        [heavy](machine& m) {
            if (heavy == fence::kept) m.heavy_fence();
            return true;
        },
        /* 8 */ [=](machine& m) { return m.load(cell(m.reg())) == 0; },
        /* 9 */ [me](machine& m) { return me == stranger || m.store(owner, me); },
        /* 10 */ [](machine& m) { return m.enter(), true; },
        /* 11 */ [](machine& m) { return m.leave(), true; },
        /* 12 */ [=](machine& m) { return leave_by(m, held); },
        // entered by the bias
        /* 13 */ [](machine& m) { return m.enter(), true; },
        /* 14 */ [](machine& m) { return m.leave(), true; },
        /* 15 */ [=](machine& m) { return leave_by(m, cell(me)); },
    };
}

// ---- a wait with a context: the word is armed, then the context is looked at; a cancel goes the other way round ----

constexpr std::uint8_t claim = 0, done = 1;       // words
constexpr std::uint8_t waiting = 1, claimed = 2;  // the claim word's values; 0 is idle

program wait_with_context(fence full) {
    return {
        /* 0 */
        [full](machine& m) {
            if (full == fence::dropped) return m.store(claim, waiting);
            return m.exchange(claim, waiting), true;
        },
        /* 1 */ [](machine& m) { return m.go_to(m.load(done) != 0 ? 2 : 3), true; },
        /* 2 */ [](machine& m) { return m.compare_exchange(claim, waiting, claimed), true; },
        /* 3 */ [](machine& m) { return m.load(claim) == claimed; },  // parked
    };
}

program cancel() {
    return {
        /* 0 */ [](machine& m) { return m.exchange(done, 1), true; },
        /* 1 */ [](machine& m) { return m.compare_exchange(claim, waiting, claimed), true; },
    };
}

}  // namespace

TEST(fence_model, cancel_is_seen_by_whoever_arms_its_word_meanwhile) {
    EXPECT_EQ(machine({wait_with_context(fence::kept), cancel()}).verify(), "");
    EXPECT_EQ(machine({wait_with_context(fence::dropped), cancel()}).verify(), "somebody waits for ever");
}

TEST(fence_model, channel_lock_excludes_owners_and_strangers) {
    machine two({user_of_channel_lock(1, 3, fence::kept, cells::each_owner_its_own),
                 user_of_channel_lock(2, 3, fence::kept, cells::each_owner_its_own)});
    EXPECT_EQ(two.verify(), "");
    machine three({user_of_channel_lock(1, 3, fence::kept, cells::each_owner_its_own),
                   user_of_channel_lock(2, 3, fence::kept, cells::each_owner_its_own),
                   user_of_channel_lock(stranger, 2, fence::kept, cells::each_owner_its_own)});
    EXPECT_EQ(three.verify(), "");
    std::printf("%zu and %zu states\n", two.states, three.states);
}

TEST(fence_model, channel_lock_without_its_heavy_fence_lets_two_in) {
    machine two({user_of_channel_lock(1, 3, fence::dropped, cells::each_owner_its_own),
                 user_of_channel_lock(2, 2, fence::dropped, cells::each_owner_its_own)});
    EXPECT_EQ(two.verify(), "two are inside");
}

// How it was first written: a worker that was revoked while it was about to set the flag cleared the next owner's.
TEST(fence_model, channel_lock_with_one_flag_for_all_owners_lets_two_in) {
    machine three({user_of_channel_lock(1, 2, fence::kept, cells::one_for_all),
                   user_of_channel_lock(2, 2, fence::kept, cells::one_for_all),
                   user_of_channel_lock(stranger, 2, fence::kept, cells::one_for_all)});
    EXPECT_EQ(three.verify(), "two are inside");
}

TEST(fence_model, lock_excludes_and_wakes_every_sleeper) {
    machine two({user_of_lock(2, fence::kept), user_of_lock(2, fence::kept)});
    EXPECT_EQ(two.verify(), "");
    machine three({user_of_lock(2, fence::kept), user_of_lock(2, fence::kept), user_of_lock(2, fence::kept)});
    EXPECT_EQ(three.verify(), "");
    std::printf("%zu and %zu states\n", two.states, three.states);
}

TEST(fence_model, lock_without_its_heavy_fence_loses_a_wakeup) {
    machine two({user_of_lock(2, fence::dropped), user_of_lock(2, fence::dropped)});
    EXPECT_EQ(two.verify(), "somebody waits for ever");
}

TEST(fence_model, biased_lock_excludes_owner_and_guests) {
    machine one({owner_of_bias(3), guest_of_bias(2, fence::kept)});
    EXPECT_EQ(one.verify(), "");
    machine two({owner_of_bias(2), guest_of_bias(1, fence::kept), guest_of_bias(1, fence::kept)});
    EXPECT_EQ(two.verify(), "");
    std::printf("%zu and %zu states\n", one.states, two.states);
}

TEST(fence_model, biased_lock_without_its_heavy_fence_lets_two_in) {
    machine one({owner_of_bias(2), guest_of_bias(1, fence::dropped)});
    EXPECT_EQ(one.verify(), "two are inside");
}
