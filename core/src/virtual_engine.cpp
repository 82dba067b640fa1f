#include <gristmill/detail/virtual_engine.hpp>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/scheduler_core.hpp>
#include <gristmill/detail/task_promise.hpp>

namespace gm::detail {

struct virtual_engine::strand {
    std::string name;
    std::function<void()> body;
    std::uint64_t number = 0;
    virtual_engine* world = nullptr;
    std::unique_ptr<virtual_stack> stack;
    state how = state::parked;
    std::size_t at = 0;         // in runnable_
    const void* bed = nullptr;  // what it is parked on
    strand* next_at_lock = nullptr;
    bool in_time = true;
    alarm deadline;
    note wait;
    strand* joiner = nullptr;
    worker* here = nullptr;  // its current_worker while it does not run
    std::uint64_t priority = 0;
    bool abandoned = false;

    // A carrier's.
    std::unique_ptr<worker> facade;
    task_header* task = nullptr;
    worker* robs = nullptr;
};

// One scheduler's ready coroutines, and who runs them.
struct virtual_engine::crew {
    scheduler_core* home = nullptr;
    std::vector<strand*> carriers;
    std::vector<strand*> idle;
    std::vector<task_header*> ready;
    bool stopping = false;
};

struct virtual_engine::handle final : thread_handle {
    handle(virtual_engine& owner, std::shared_ptr<strand> thread) noexcept : world(&owner), who(std::move(thread)) {}
    ~handle() override {
        if (who->how == state::finished || who->abandoned) return;
        if (current_engine != world) misuse("a thread of a virtual world joined from outside of it");
        who->joiner = world->current_;
        world->current_->wait = {"joins", who.get(), {}, 0};
        world->give_up(state::joining);
    }
    virtual_engine* world;
    std::shared_ptr<strand> who;
};

bool virtual_engine::asleep(const thread_handle& thread) noexcept {
    return static_cast<const handle&>(thread).who->how == state::parked;
}

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

// ---- from the first step to the last ----

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

// ---- who runs ----

void virtual_engine::make_runnable(strand& who) noexcept {
    who.how = state::runnable;
    who.at = runnable_.size();
    runnable_.push_back(&who);
}

virtual_engine::strand* virtual_engine::take(strand& runnable) noexcept {
    runnable_[runnable.at] = runnable_.back();
    runnable_[runnable.at]->at = runnable.at;
    runnable_.pop_back();
    return &runnable;
}

void virtual_engine::give_up(state how) noexcept {
    strand& me = *current_;
    if (how == state::runnable)
        make_runnable(me);
    else
        me.how = how;
    switch_to(choose(nullptr));
}

void virtual_engine::switch_to(strand& next) noexcept {
    strand& me = *current_;
    next.how = state::running;
    if (&next == &me) return;
    me.here = current_worker;
    current_ = &next;
    stacks_.hand_over(*me.stack, *next.stack);
    current_engine = &me == home_.get() ? nullptr : this;
    current_worker = me.here;
}

// `last_resort` waits for another one in a loop.
virtual_engine::strand& virtual_engine::choose(strand* last_resort) noexcept {
    ++outcome_.steps;
    const auto on_course = [this](strand& next) -> strand& {
        outcome_.course = (outcome_.course ^ next.number) * 0x100000001b3;
        return next;
    };
    while (!ended_) {
        if (world_.most_steps != 0 && outcome_.steps > world_.most_steps * (ending_ ? 2 : 1)) {
            finish(end::steps);
            continue;
        }
        if (world_.hasty_clock && !ending_ && draw(16) == 0) static_cast<void>(advance());
        strand* const next = world_.strategy == virtual_strategy::walk ? choose_walking() : choose_first();
        if (next) {
            if (last_resort) make_runnable(*last_resort);
            fruitless_ = 0;
            return on_course(*next);
        }
        if (advance()) continue;
        if (last_resort && ++fruitless_ < 1'000'000) {
            std::this_thread::yield();
            return *last_resort;
        }
        finish(next_moment() == time_point::max() ? end::deadlock : end::horizon);
    }
    return *home_;
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

virtual_engine::strand* virtual_engine::choose_walking() noexcept {
    std::size_t possible = runnable_.size();
    for (const auto& each : crews_) possible += can_work(*each) ? work_in(*each) : 0;
    if (possible == 0) return nullptr;
    std::size_t which = possible == 1 ? 0 : static_cast<std::size_t>(draw(possible));
    if (which < runnable_.size()) return take(*runnable_[which]);
    which -= runnable_.size();
    for (const auto& each : crews_) {
        const std::size_t here = can_work(*each) ? work_in(*each) : 0;
        if (which < here)
            return put_to_work(*each, *each->idle[static_cast<std::size_t>(draw(each->idle.size()))], which);
        which -= here;
    }
    return nullptr;
}

virtual_engine::strand* virtual_engine::choose_first() noexcept {
    strand* first = nullptr;
    crew* works_in = nullptr;
    for (strand* const each : runnable_)
        if (!first || each->priority > first->priority) first = each;
    for (const auto& each : crews_) {
        if (!can_work(*each) || work_in(*each) == 0) continue;
        for (strand* const carrier : each->idle)
            if (!first || carrier->priority > first->priority) first = carrier, works_in = each.get();
    }
    if (!first) return nullptr;
    return works_in ? put_to_work(*works_in, *first, static_cast<std::size_t>(draw(work_in(*works_in)))) : take(*first);
}

// There is, or can be, a carrier that is idle.
bool virtual_engine::can_work(crew& where) noexcept {
    if (where.stopping) return false;
    if (!where.idle.empty()) return true;
    if (where.carriers.size() >= world_.carriers || where.ready.empty()) return false;
    strand& made = add_strand("carrier", [this, &where] { run_carrier(where); });
    made.facade = std::make_unique<worker>(*where.home);
    made.facade->index_ = static_cast<std::uint32_t>(where.carriers.size());  // marks the children in its deque
    made.how = state::idle;
    where.carriers.push_back(&made);
    where.idle.push_back(&made);
    return true;
}

// What an idle carrier could do: each ready coroutine, each colleague it could rob.
std::size_t virtual_engine::work_in(const crew& where) const noexcept {
    std::size_t work = where.ready.size();
    if (where.carriers.size() > 1)
        for (const strand* const each : where.carriers) work += each->facade->queue.size() != 0 ? 1 : 0;
    return work;
}

virtual_engine::strand* virtual_engine::put_to_work(crew& where, strand& carrier, std::size_t which) noexcept {
    std::erase(where.idle, &carrier);
    if (which < where.ready.size()) {
        carrier.task = where.ready[which];
        where.ready[which] = where.ready.back();
        where.ready.pop_back();
        return &carrier;
    }
    which -= where.ready.size();
    for (strand* const each : where.carriers)
        if (each->facade->queue.size() != 0 && which-- == 0) carrier.robs = each->facade.get();
    return &carrier;
}

void virtual_engine::maybe_reorder() noexcept {
    while (!changes_.empty() && changes_.back() <= outcome_.steps) {
        changes_.pop_back();
        current_->priority = --lowest_;
    }
}

void virtual_engine::point() noexcept {
    if (world_.strategy == virtual_strategy::priorities)
        maybe_reorder();
    else if (world_.preempt_one_in > 1 && draw(world_.preempt_one_in) != 0)
        return;
    give_up(state::runnable);
}

void virtual_engine::yield() noexcept {
    strand& me = *current_;
    me.priority = --lowest_;
    me.how = state::runnable;
    switch_to(choose(&me));
}

// ---- time ----

time_point virtual_engine::next_moment() const noexcept {
    time_point next = time_point::max();
    if (!beds_.empty()) next = std::min(next, beds_.first()->due());
    if (clock_ && clock_->how == state::idle && !timers_.empty()) next = std::min(next, timers_.first()->due());
    return next;
}

// True: somebody may run who could not.
bool virtual_engine::advance() noexcept {
    const time_point next = next_moment();
    if (next == time_point::max() || next > (ending_ ? now_ : horizon_)) return false;
    now_ = std::max(now_, next);
    while (!beds_.empty() && beds_.first()->due() <= now_) {
        strand& who = *static_cast<alarm*>(beds_.first())->who;
        beds_.remove(who.deadline);
        parked_.erase(who.bed);
        who.in_time = false;
        make_runnable(who);
    }
    if (clock_ && clock_->how == state::idle && !timers_.empty() && timers_.first()->due() <= now_)
        make_runnable(*clock_);
    return true;
}

void virtual_engine::run_clock() noexcept {
    while (!ended_) {
        wake_list wakes;
        {
            lock_guard hold(timers_guard_);
            while (timer* const due = timers_.first()) {
                if (due->due() > now_) break;
                timers_.remove(*due);
                due->fire(*due, wakes);
                if (world_.carriers > 1 && draw(2) == 0) break;
            }
        }
        wakes.wake();
        if (timers_.empty() || timers_.first()->due() > now_) give_up(state::idle);
    }
}

void virtual_engine::add_timer(timer& entry, time_point due) noexcept {
    if (!inside()) return;
    if (!clock_) {
        clock_ = &add_strand("clock", [this] { run_clock(); });
        clock_->how = state::idle;
    }
    lock_guard hold(timers_guard_);
    timers_.add(entry, due);
}

void virtual_engine::remove_timer(timer& entry) noexcept {
    if (inside()) {
        lock_guard hold(timers_guard_);
        timers_.remove(entry);
    } else {
        timers_.remove(entry);
    }
}

// ---- strands that wait ----

// False: the world is over, and what is asked no longer matters.
bool virtual_engine::inside() const noexcept {
    if (current_engine == this) return true;
    if (!ended_) misuse("a virtual world was woken or touched from outside of it");
    return false;
}

bool virtual_engine::park(parker& self, const time_point* deadline) noexcept {
    if (!inside()) misuse("a wait in a virtual world that is over");
    strand& me = *current_;
    me.bed = &self;
    me.in_time = true;
    parked_.emplace(&self, &me);
    if (deadline) beds_.add(me.deadline, *deadline);
    give_up(state::parked);
    me.wait = {};
    return me.in_time;
}

void virtual_engine::unpark(parker& sleeper) noexcept {
    if (!inside()) return;
    const auto found = parked_.find(&sleeper);
    if (found == parked_.end()) return;
    strand& who = *found->second;
    parked_.erase(found);
    beds_.remove(who.deadline);
    make_runnable(who);
}

void virtual_engine::wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
    if (!inside() || word.load(std::memory_order_relaxed) != expected) return;
    strand& me = *current_;
    me.bed = &word;
    strand*& first = parked_[&word];
    me.next_at_lock = nullptr;
    strand** last = &first;
    while (*last) last = &(*last)->next_at_lock;
    *last = &me;
    give_up(state::at_a_lock);
}

void virtual_engine::wake_one(const std::atomic<std::uint32_t>& word) noexcept {
    if (!inside()) return;
    const auto found = parked_.find(&word);
    if (found == parked_.end()) return;
    strand& who = *found->second;
    if (who.next_at_lock)
        found->second = who.next_at_lock;
    else
        parked_.erase(found);
    make_runnable(who);
}

std::unique_ptr<engine::thread_handle> virtual_engine::start_thread(std::string name, std::function<void()> body) {
    if (!inside()) misuse("a thread started in a virtual world that is over");
    strand& made = add_strand(std::move(name), std::move(body));
    make_runnable(made);
    return std::make_unique<handle>(*this, strands_.back());
}

// ---- coroutines ----

virtual_engine::crew& virtual_engine::crew_of(scheduler_core& home) {
    for (const auto& each : crews_)
        if (each->home == &home) return *each;
    crews_.push_back(std::make_unique<crew>());
    crews_.back()->home = &home;
    return *crews_.back();
}

void virtual_engine::ready(task_header& task) noexcept {
    if (!inside()) return;
    notes_.erase(&task);
    crew& where = crew_of(*task.home);
    if (!where.stopping) where.ready.push_back(&task);
}

void virtual_engine::drain(crew& mine, worker& facade) noexcept {
    while (task_header* const task = facade.queue.pop()) {
        notes_.erase(task);
        if (!mine.stopping) mine.ready.push_back(task);
    }
}

void virtual_engine::run_carrier(crew& mine) noexcept {
    strand& me = *current_;
    worker& facade = *me.facade;
    while (true) {
        task_header* task = std::exchange(me.task, nullptr);
        worker* const victim = std::exchange(me.robs, nullptr);
        if (!task && !victim) return;
        current_worker = &facade;
        if (victim) {
            task = victim->queue.steal();
            for (task_header* each = task ? task->next : nullptr; each;) {
                task_header* const following = each->next;
                notes_.erase(each);
                mine.ready.push_back(each);
                each = following;
            }
            if (task) notes_.erase(task);
        }
        if (task && !mine.stopping) {
            facade.turns_ = 1;  // one step, then the engine decides
            task->handle().resume();
        }
        drain(mine, facade);
        current_worker = nullptr;
        mine.idle.push_back(&me);
        give_up(state::idle);
    }
}

void virtual_engine::stop(scheduler_core& home) noexcept {
    if (!inside()) misuse("a scheduler of a virtual world destroyed outside of it");
    const auto found =
        std::find_if(crews_.begin(), crews_.end(), [&](const auto& each) { return each->home == &home; });
    std::erase_if(notes_, [&](const auto& each) { return each.first->home == &home; });
    if (found == crews_.end()) return;
    crew& where = **found;
    where.stopping = true;
    while (where.idle.size() != where.carriers.size()) yield();
    where.ready.clear();
    for (strand* const each : where.carriers) {
        const auto own =
            std::find_if(strands_.begin(), strands_.end(), [&](const auto& one) { return one.get() == each; });
        // A copy: it keeps the strand until that has left its stack.
        const std::shared_ptr<strand> kept = *own;  // NOLINT(performance-unnecessary-copy-initialization)
        make_runnable(*kept);
        while (kept->how != state::finished) yield();
    }
    std::erase_if(crews_, [&](const auto& each) { return each->home == &home; });
}

// ---- the report ----

void virtual_engine::waits(task_header* task, const char* what, const void* on, std::source_location where) noexcept {
    if (!inside()) return;
    const note now{what, on, where, ++notes_taken_};
    if (task && !what)
        notes_.erase(task);
    else if (task)
        notes_[task] = now;
    else
        current_->wait = now;
}

std::string virtual_engine::label_of(const void* object) {
    return " #" + std::to_string(labels_.try_emplace(object, labels_.size() + 1).first->second);
}

std::string virtual_engine::describe(const note& wait, const strand* who) {
    std::string text;
    if (who && who->how == state::joining) return "joins " + static_cast<const strand*>(wait.on)->name;
    text = wait.what ? wait.what : who && who->how == state::at_a_lock ? "waits at a lock" : "parked";
    if (wait.on) text += label_of(wait.on);
    if (wait.where.line() != 0)
        text += " (" + std::string(wait.where.file_name()) + ":" + std::to_string(wait.where.line()) + ")";
    return text;
}

namespace {

// Up the chain of awaits to the task that was spawned.
std::string name_of(const task_header& task) {
    const auto* at = static_cast<const task_promise_base*>(&task);
    while (at->role == task_role::awaited && at->child.continuation)
        at = &std::coroutine_handle<task_promise_base>::from_address(at->child.continuation).promise();
    if (at->role == task_role::root) return at->root.name ? at->root.name : "a task";
    return "a forked task";
}

}  // namespace

void virtual_engine::report(end how) {
    outcome_.ended = how;
    outcome_.passed = (how == end::horizon ? horizon_ : now_) - start_of_time;
    for (const auto& each : strands_) {
        if (each.get() == root_ && root_waits_) continue;
        if (each->how == state::parked || each->how == state::at_a_lock || each->how == state::joining)
            outcome_.waiting.push_back({each->name, describe(each->wait, each.get())});
        else if (how == end::steps && (each->how == state::runnable || each.get() == current_))
            outcome_.waiting.push_back({each->name, "runs"});
    }
    std::vector<std::pair<const task_header*, note>> tasks(notes_.begin(), notes_.end());
    std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
    for (const auto& [task, wait] : tasks) outcome_.waiting.push_back({name_of(*task), describe(wait, nullptr)});
}

}  // namespace gm::detail
