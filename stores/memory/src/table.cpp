#include "table.hpp"

#include <algorithm>

namespace gm::stores::in_memory {

row& table::add() {
    auto made = std::make_unique<row>();
    made->id = last_ + 1;
    const std::int64_t number = made->id / page_size;
    if (pages_.empty()) first_ = number;
    if (number - first_ == static_cast<std::int64_t>(pages_.size())) pages_.emplace_back();
    std::unique_ptr<page>& here = pages_.back();
    if (!here) here = std::make_unique<page>();
    std::unique_ptr<row>& cell = here->rows[static_cast<std::size_t>(made->id % page_size)];
    cell = std::move(made);
    ++here->used;
    ++last_;
    return *cell;
}

const table::page* table::page_at(std::int64_t number) const noexcept {
    if (number < first_ || number - first_ >= static_cast<std::int64_t>(pages_.size())) return nullptr;
    return pages_[static_cast<std::size_t>(number - first_)].get();
}

row* table::find(std::int64_t id) const noexcept {
    if (id <= 0) return nullptr;
    const page* const here = page_at(id / page_size);
    return here ? here->rows[static_cast<std::size_t>(id % page_size)].get() : nullptr;
}

void table::remove(const row& which) {
    const std::int64_t id = which.id;
    std::unique_ptr<page>& here = pages_[static_cast<std::size_t>(id / page_size - first_)];
    here->rows[static_cast<std::size_t>(id % page_size)].reset();
    if (--here->used == 0) here.reset();
    while (!pages_.empty() && !pages_.front()) {
        pages_.pop_front();
        ++first_;
    }
}

row* table::from(std::int64_t id) const noexcept {
    id = std::max(id, first_ * page_size);
    const std::int64_t end = (first_ + static_cast<std::int64_t>(pages_.size())) * page_size;
    while (id < end) {
        const page* const here = page_at(id / page_size);
        if (here)
            if (row* const found = here->rows[static_cast<std::size_t>(id % page_size)].get()) return found;
        id = here ? id + 1 : (id / page_size + 1) * page_size;
    }
    return nullptr;
}

row* table::back_from(std::int64_t id) const noexcept {
    id = std::min(id, last_);
    while (id >= 0 && id >= first_ * page_size) {
        const page* const here = page_at(id / page_size);
        if (here)
            if (row* const found = here->rows[static_cast<std::size_t>(id % page_size)].get()) return found;
        id = here ? id - 1 : id / page_size * page_size - 1;
    }
    return nullptr;
}

}  // namespace gm::stores::in_memory
