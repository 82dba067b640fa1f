#pragma once
// Since when the oldest available job of a queue is due. The lanes are ordered by priority as well, so this needs an order of
// its own: a heap of the times that came and one of those that went, which cancel each other at the top.

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include <gristmill/jobs/record.hpp>

namespace gm::stores::in_memory {

class oldest {
public:
    void came(jobs::wall_time due) { push(here_, due); }

    // requires: it came.
    void went(jobs::wall_time due) {
        push(gone_, due);
        while (!gone_.empty() && gone_.front() == here_.front()) {
            pop(gone_);
            pop(here_);
        }
        // One that stays for ever would keep all that went behind it.
        if (gone_.size() > 1024 && gone_.size() > here_.size() / 2) settle();
    }

    std::optional<jobs::wall_time> time() const {
        if (here_.empty()) return std::nullopt;
        return here_.front();
    }

private:
    using times = std::vector<jobs::wall_time>;

    static void push(times& heap, jobs::wall_time due) {
        heap.push_back(due);
        std::ranges::push_heap(heap, std::greater<>());
    }
    static void pop(times& heap) {
        std::ranges::pop_heap(heap, std::greater<>());
        heap.pop_back();
    }
    // Sorted times are a heap, too.
    void settle() {
        std::ranges::sort(here_);
        std::ranges::sort(gone_);
        times left;
        std::ranges::set_difference(here_, gone_, std::back_inserter(left));
        here_ = std::move(left);
        gone_.clear();
    }

    times here_, gone_;  // gone_ is a part of here_, and its first is later
};

}  // namespace gm::stores::in_memory
