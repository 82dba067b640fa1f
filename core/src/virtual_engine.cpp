// A virtual world from its first step to its last.
#include <gristmill/detail/virtual_engine.hpp>

#include <algorithm>
#include <utility>

#include <gristmill/detail/misuse.hpp>

#include "virtual_strand.hpp"

namespace gm::detail {

virtual_engine::virtual_engine(const virtual_world& world)
    : world_(world), stacks_(world.stacks ? *world.stacks : virtual_threads()), dice_state_(world.seed) {
    if (world.horizon < time_point::max() - now_) horizon_ = now_ + world.horizon;
    if (world.strategy == virtual_strategy::priorities) {
        for (unsigned i = 0; i < world.changes; ++i) changes_.push_back(1 + draw(world.expected_steps));
        std::sort(changes_.begin(), changes_.end(), std::greater<>());
    }
}

// splitmix64
std::uint64_t virtual_engine::random() noexcept {
    std::uint64_t z = dice_state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

std::uint64_t virtual_engine::draw(std::uint64_t below) noexcept { return ((random() >> 32) * below) >> 32; }

virtual_outcome virtual_engine::run(const std::function<void()>& root) {
    if (current_engine) misuse("a virtual world inside of another");
    home_ = std::make_unique<strand>();
    home_->stack = stacks_.adopt();
    home_->how = state::running;
    current_ = home_.get();
    root_ = &add_strand("root", [this, &root] {
        try {
            root();
        } catch (...) {
            failure_ = std::current_exception();
        }
    });
    make_runnable(*root_);
    give_up(state::parked);
    close();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(outcome_);
}

// Who is idle is sent home; who waits for something that will not come is left where it is.
void virtual_engine::close() noexcept {
    for (std::size_t i = 0; i < strands_.size(); ++i) {
        strand& each = *strands_[i];
        if (each.how == state::idle) {
            each.task = nullptr;
            switch_to(each);
        }
        if (each.how == state::finished) {
            each.stack.reset();  // joined here: the world may have to be leaked
            continue;
        }
        each.abandoned = true;
        each.stack->abandon();
        ++outcome_.abandoned;
    }
    current_engine = nullptr;
    current_worker = nullptr;
}

namespace {

// What abandoned strands may still point at. Never freed.
std::vector<std::shared_ptr<void>>& graveyard() {
    static auto* const all = new std::vector<std::shared_ptr<void>>;
    return *all;
}
lock graveyard_guard;

}  // namespace

bool virtual_engine::haunted() const noexcept { return outcome_.abandoned != 0 || !timers_.empty(); }

virtual_engine::~virtual_engine() {
    for (auto& each : strands_) {
        if (!each->abandoned) continue;
        lock_guard hold(graveyard_guard);
        graveyard().push_back(std::move(each));
    }
}

virtual_engine::strand& virtual_engine::add_strand(std::string name, std::function<void()> body) {
    auto made = std::make_shared<strand>();
    made->name = std::move(name);
    made->body = std::move(body);
    made->world = this;
    made->number = ++strands_made_;
    made->deadline.who = made.get();
    made->priority = (std::uint64_t{1} << 32) + draw(std::uint64_t{1} << 32);
    made->stack = stacks_.make(enter, made.get(), made->name.c_str());
    std::erase_if(strands_, [](const auto& each) { return each->how == state::finished; });
    strands_.push_back(made);
    return *made;
}

void virtual_engine::enter(void* argument) noexcept {
    strand& me = *static_cast<strand*>(argument);
    virtual_engine& world = *me.world;
    current_engine = &world;
    current_worker = nullptr;
    me.body();
    me.body = nullptr;
    if (&me == world.root_ && !world.ending_) {
        world.report(end::done);
        world.ending_ = true;
    }
    if (me.joiner) world.make_runnable(*me.joiner);
    virtual_switch& stacks = world.stacks_;
    strand& next = world.choose(nullptr);
    next.how = state::running;
    world.current_ = &next;
    virtual_stack& from = *me.stack;
    virtual_stack& to = *next.stack;
    me.how = state::finished;  // whoever runs next may forget about us
    stacks.leave(from, to);
}

void virtual_engine::finish(end how) noexcept {
    if (ending_) {
        ended_ = true;
        return;
    }
    report(how);
    if (how == end::horizon) now_ = horizon_;
    ending_ = true;
    if (root_waits_)
        make_runnable(*root_);
    else
        ended_ = true;
}

bool virtual_engine::await_end() noexcept {
    if (root_released_) return true;
    root_waits_ = true;
    give_up(state::parked);
    root_waits_ = false;
    return root_released_;
}

void virtual_engine::release_root() noexcept {
    root_released_ = true;
    if (root_waits_ && root_->how == state::parked) {
        if (!ending_) {
            report(end::done);
            ending_ = true;
        }
        make_runnable(*root_);
    }
}

}  // namespace gm::detail
