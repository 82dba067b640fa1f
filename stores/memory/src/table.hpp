#pragma once
// All jobs by id. Ids rise, so this is an array, in pages that go when all their jobs have gone.

#include <array>
#include <deque>
#include <memory>

#include "row.hpp"

namespace gm::stores::in_memory {

class table {
public:
    row& add();  // with the next id
    row* find(std::int64_t id) const noexcept;
    void remove(const row& which);

    // The first one with this id or a greater (smaller) one; null: there is none.
    row* from(std::int64_t id) const noexcept;
    row* back_from(std::int64_t id) const noexcept;
    std::int64_t last_id() const noexcept { return last_; }

private:
    static constexpr std::int64_t page_size = 512;
    struct page {
        std::array<std::unique_ptr<row>, page_size> rows;
        std::int64_t used = 0;
    };

    const page* page_at(std::int64_t number) const noexcept;

    std::deque<std::unique_ptr<page>> pages_;  // null: gone
    std::int64_t first_ = 0;                   // the number of the first page
    std::int64_t last_ = 0;
};

}  // namespace gm::stores::in_memory
