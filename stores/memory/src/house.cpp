// Names, and who is told to look.
#include "house.hpp"

namespace gm::stores::in_memory {

queue& house::queue_named(const std::string& name) {
    if (last_queue_ && last_queue_->name == name) return *last_queue_;
    auto found = queues.find(name);
    if (found == queues.end()) found = queues.emplace(name, std::make_unique<queue>(name)).first;
    last_queue_ = found->second.get();
    return *last_queue_;
}

const std::string* house::interned(const std::string& name) {
    if (!last_name_ || *last_name_ != name) last_name_ = &*names_.insert(name).first;
    return last_name_;
}

void house::ring(const queue& where) {
    for (worker* each : where.listeners) ring(*each);
}

// One ring is enough until it looks.
void house::ring(worker& whom) {
    if (!whom.rings || whom.rung) return;
    whom.rung = true;
    to_ring_.push_back(whom.rings);
}

row* house::claimed(const token& which) const noexcept {
    row* const found = jobs.find(which.first);
    return found && found->state == state::running && found->claim() == which ? found : nullptr;
}

}  // namespace gm::stores::in_memory
