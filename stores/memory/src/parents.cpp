// Jobs that come after others. A child stands in the set of each parent that it waits for; as long as there is one there,
// the parent is pinned: neither retention nor a person removes it.
#include <algorithm>
#include <utility>

#include "house.hpp"

namespace gm::stores::in_memory {

// Whether the parent, which is over, holds the child no more.
bool house::lets_go(const row& child, const row& parent) const noexcept {
    return parent.state == state::completed || child.more->orphaned == when_parent_fails::run;
}

void house::bind(row& child) {
    extras& more = *child.more;
    bool cancelled = false;
    for (job_id id : more.after) {
        row& parent = *jobs.find(id.number);
        if (is_over(parent.state)) {
            if (lets_go(child, parent)) continue;
            cancelled = cancelled || more.orphaned == when_parent_fails::cancel;
        }
        if (std::ranges::find(more.blocked_by, id) != more.blocked_by.end()) continue;  // named twice
        more.blocked_by.push_back(id);
        pin(parent, child.id);
    }
    if (cancelled)
        step(child, state::cancelled);
    else if (more.blocked_by.empty())
        step(child, child.run_at > now ? state::scheduled : state::available);
}

// When it waits no longer, for whatever reason.
void house::unbind(row& child) {
    if (!child.more) return;
    for (job_id id : std::exchange(child.more->blocked_by, {})) unpin(*jobs.find(id.number), child.id);
}

void house::pin(row& parent, std::int64_t child) {
    if (is_over(parent.state)) parent.place.leave();
    parent.rare().children.insert(child);
}

void house::unpin(row& parent, std::int64_t child) {
    parent.more->children.erase(child);
    if (!parent.pinned() && is_over(parent.state) && !parent.place.taken())
        parent.place.take(kept[static_cast<std::size_t>(parent.state)],
                          {parent.finished.time_since_epoch().count(), parent.id, &parent});
}

// A child that is cancelled is the parent of others: they come to the end of the list, so that a long chain costs no stack.
void house::tell_children(row& over) {
    telling_.push_back(&over);
    if (telling_.size() > 1) return;  // we are called by ourselves, from below
    for (std::size_t i = 0; i != telling_.size(); ++i) {
        row& parent = *telling_[i];
        const std::set<std::int64_t> children = parent.more->children;
        for (const std::int64_t id : children) {
            row& child = *jobs.find(id);
            if (lets_go(child, parent)) {
                std::erase(child.more->blocked_by, job_id{parent.id});
                unpin(parent, id);
                if (child.more->blocked_by.empty())
                    step(child, child.run_at > now ? state::scheduled : state::available);
            } else if (child.more->orphaned == when_parent_fails::cancel) {
                step(child, state::cancelled);
            }
        }
    }
    telling_.clear();
}

}  // namespace gm::stores::in_memory
