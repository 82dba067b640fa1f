#pragma once
// Values that are accounted for. `counted` knows how many of its kind live, and notes what must not happen: a second
// destruction, a look at what was moved away. `census` is the fixture that compares before and after.
// `fragile` throws on the n-th move or copy.

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

namespace gm::test {

class counted {
public:
    explicit counted(int value = 0) noexcept : value_(value) { born(); }
    counted(counted&& other) noexcept : value_(std::exchange(other.value_, moved)) {
        if (value_ == moved || other.state_ != alive) ++faults_;
        born();
    }
    counted(const counted& other) noexcept : value_(other.value()) { born(); }
    counted& operator=(counted&& other) noexcept {
        if (state_ != alive || other.state_ != alive) ++faults_;
        value_ = std::exchange(other.value_, moved);
        return *this;
    }
    counted& operator=(const counted& other) noexcept {
        if (state_ != alive) ++faults_;
        value_ = other.value();
        return *this;
    }
    ~counted() {
        if (state_ != alive) ++faults_;  // destroyed twice, or never made
        state_ = dead;
        --live_;
    }

    int value() const noexcept {
        if (state_ != alive || value_ == moved) ++faults_;
        return value_;
    }
    bool intact() const noexcept { return state_ == alive && value_ != moved; }

    static int live() noexcept { return live_; }
    static int faults() noexcept { return faults_; }

private:
    static constexpr int moved = -1'000'000'007;
    static constexpr std::uint32_t alive = 0x600dcafe, dead = 0xdeadbeef;
    void born() noexcept {
        state_ = alive;
        ++live_;
    }

    static inline std::atomic<int> live_{0};
    static inline std::atomic<int> faults_{0};
    int value_;
    volatile std::uint32_t state_ = 0;  // volatile: the compiler must not drop the last store of a destructor
};

// Nothing was leaked, nothing was destroyed twice.
class census {
public:
    census() = default;
    census(const census&) = delete;
    census& operator=(const census&) = delete;
    ~census() {
        EXPECT_EQ(counted::live(), live_) << "values leaked, or destroyed too often";
        EXPECT_EQ(counted::faults(), faults_) << "a value was destroyed twice, or used after it was moved away";
    }

private:
    const int live_ = counted::live();
    const int faults_ = counted::faults();
};

struct broken : std::runtime_error {
    broken() : std::runtime_error("a move or copy that throws") {}
};

// Its moves and copies may throw, so a channel boxes it. fuse: how many of them go well; negative: all.
class fragile {
public:
    explicit fragile(int value) noexcept : inner_(value) {}
    fragile(fragile&& other) : inner_((burn(), std::move(other.inner_))) {}
    fragile(const fragile& other) : inner_((burn(), other.inner_)) {}
    fragile& operator=(fragile&& other) {
        burn();
        inner_ = std::move(other.inner_);
        return *this;
    }
    fragile& operator=(const fragile& other) {
        burn();
        inner_ = other.inner_;
        return *this;
    }
    ~fragile() = default;

    int value() const noexcept { return inner_.value(); }
    bool intact() const noexcept { return inner_.intact(); }

    static inline std::atomic<int> fuse{-1};

private:
    static void burn() {
        if (fuse < 0) return;
        if (fuse == 0) {
            fuse = -1;
            throw broken();
        }
        --fuse;
    }
    counted inner_;
};
static_assert(!std::is_nothrow_move_constructible_v<fragile>);

}  // namespace gm::test
