#include "queue.hpp"

#include <algorithm>
#include <cassert>

namespace gm::stores::in_memory {

namespace {
std::size_t at(claim which) noexcept { return static_cast<std::size_t>(which); }
}  // namespace

lane& queue::lane_of(std::string_view key) {
    if (key.empty()) return nameless_;
    if (const auto found = lanes_.find(key); found != lanes_.end()) return *found->second;
    auto made = std::make_unique<lane>();
    made->key = key;
    return *lanes_.emplace(key, std::move(made)).first->second;
}

// ---- what is available ----

void queue::put(row& which, wall_time now) {
    which.place.take(which.lane->lines[at(which.line())], {which.order(), which.id, &which});
    oldest_.came(which.run_at);
    list(*which.lane, now);
}

void queue::take_out(row& which, wall_time now) {
    which.place.leave();
    oldest_.went(which.run_at);
    list(*which.lane, now);
}

void queue::release(row& which, bool unused, wall_time now) {
    lane& from = *which.lane;
    --running_;
    --from.running;
    if (unused) {
        if (limits_.rate > 0) tokens_.refund(limits_.burst);
        if (limits_.rate_per_key > 0) from.tokens.refund(limits_.burst_per_key);
        if (limits_.fair) from.had -= 1 / weight_of(from);
    }
    list(from, now);
}

void queue::left(row& which) {
    lane& from = *which.lane;
    if (--from.rows != 0 || &from == &nameless_ || from.in_empty) return;
    from.in_empty = true;
    empty_.push_back(&from);
}

// ---- the claim ----

bool queue::limited() const noexcept {
    return limits_.running || limits_.running_per_key || limits_.rate > 0 || limits_.rate_per_key > 0;
}

bool queue::eligible(claim which, wall_time now) {
    if (paused_ || !has_available()) return false;
    if (limits_.running && running_ >= limits_.running) return false;
    if (!thirsty_.empty()) wake_thirsty(now);
    if (heads_[at(which)].empty()) return false;
    return limits_.rate <= 0 || tokens_.has_one(limits_.rate, limits_.burst, now);
}

row& queue::pop(claim which, wall_time now) {
    lane& from = *heads_[at(which)].begin()->of;
    row& first = *from.lines[at(which)].begin()->of;
    first.place.leave();
    oldest_.went(first.run_at);
    ++running_;
    ++from.running;
    if (limits_.rate > 0) tokens_.take();
    if (limits_.rate_per_key > 0) from.tokens.take();
    if (limits_.fair) {
        served_ = from.had;
        from.had += 1 / weight_of(from);
    }
    list(from, now);
    return first;
}

std::size_t queue::could_start(std::size_t most) const noexcept {
    if (paused_) return 0;
    if (limits_.running) most = std::min<std::size_t>(most, limits_.running - std::min(limits_.running, running_));
    std::size_t found = 0;
    for (const head& each : heads_[at(claim::ordinary)]) {
        if (found >= most) break;
        std::size_t of_key = each.of->lines[at(claim::ordinary)].size();
        if (limits_.running_per_key)
            of_key = std::min<std::size_t>(of_key, limits_.running_per_key - each.of->running);  // it is open
        found += of_key;
    }
    return std::min(found, most);
}

std::optional<wall_time> queue::next_time(wall_time now) {
    if (paused_) return std::nullopt;
    std::optional<wall_time> next;
    const auto sooner = [&next](wall_time time) {
        if (!next || time < *next) next = time;
    };
    if (!agenda.empty()) sooner(agenda.begin()->of->run_at);
    if (!has_available() || (limits_.running && running_ >= limits_.running)) return next;
    if (!thirsty_.empty()) sooner(thirsty_.begin()->first);
    if (limits_.rate > 0 && !(heads_[0].empty() && heads_[1].empty()) &&
        !tokens_.has_one(limits_.rate, limits_.burst, now))
        sooner(now + tokens_.until_one(limits_.rate));
    return next;
}

// ---- which lanes are listed, and where ----

double queue::weight_of(const lane& which) const noexcept {
    const auto found = limits_.weights.find(which.key);
    return found == limits_.weights.end() ? 1 : found->second;
}

bool queue::open_or_thirsty(lane& which, wall_time now) {
    if (limits_.running_per_key && which.running >= limits_.running_per_key) return false;
    if (limits_.rate_per_key <= 0 || which.tokens.has_one(limits_.rate_per_key, limits_.burst_per_key, now))
        return true;
    which.waits = thirsty_.emplace(now + which.tokens.until_one(limits_.rate_per_key), &which).first;
    return false;
}

// After anything has changed that its place goes by. A lane that comes back has no claim to what it did not ask for
// meanwhile: it starts where the others are.
void queue::list(lane& which, wall_time now) {
    if (which.waits) thirsty_.erase(*std::exchange(which.waits, std::nullopt));
    const bool has_jobs = !which.lines[0].empty() || !which.lines[1].empty();
    const bool open = has_jobs && open_or_thirsty(which, now);
    if (limits_.fair && which.had < served_) which.had = served_;
    list_line(which, claim::ordinary, open);
    list_line(which, claim::suspect, open);
}

void queue::list_line(lane& which, claim line, bool open) {
    std::set<head>& heads = heads_[at(line)];
    const index& jobs = which.lines[at(line)];
    auto& listed = which.listed[at(line)];
    if (!open || jobs.empty()) {
        if (listed) heads.erase(*std::exchange(listed, std::nullopt));
        return;
    }
    const head now_there{limits_.fair ? which.had : 0, jobs.begin()->order, jobs.begin()->id, &which};
    if (!listed) {
        listed = heads.insert(now_there).first;
        return;
    }
    if ((*listed)->had == now_there.had && (*listed)->id == now_there.id && (*listed)->order == now_there.order) return;
    auto node = heads.extract(*listed);
    node.value() = now_there;
    listed = heads.insert(std::move(node)).position;
}

void queue::wake_thirsty(wall_time now) {
    while (!thirsty_.empty() && thirsty_.begin()->first <= now) list(*thirsty_.begin()->second, now);
}

void queue::limit(const queue_limits& limits, wall_time now) {
    limits_ = limits;
    list(nameless_, now);
    for (const auto& [key, each] : lanes_) list(*each, now);
}

void queue::tidy(std::size_t most, wall_time now) {
    std::vector<lane*> later;
    for (; most != 0 && !empty_.empty(); --most) {
        lane& each = *empty_.back();
        empty_.pop_back();
        each.in_empty = false;
        if (each.rows != 0) continue;
        const bool forgettable =
            limits_.rate_per_key <= 0 || each.tokens.is_full(limits_.rate_per_key, limits_.burst_per_key, now);
        if (forgettable)
            lanes_.erase(lanes_.find(each.key));
        else
            later.push_back(&each);
    }
    for (lane* each : later) each->in_empty = true;
    empty_.insert(empty_.end(), later.begin(), later.end());
}

}  // namespace gm::stores::in_memory
