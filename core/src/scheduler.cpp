#include <gristmill/scheduler.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace gm {
namespace detail {

constinit thread_local worker* current_worker = nullptr;

namespace {

// A coroutine may complete so many operations in a row before the others have their turn.
constexpr std::int32_t full_budget = 256;
// Operations between two measurements, while they show trivial work and while they show real work. Odd: most loops have an
// even number of operations, and each kind is to be met in turn. Reading the counter twice costs as much as several
// operations.
constexpr std::int32_t fuse = 63, short_fuse = 17;
// Switches between two looks at the shared queue.
constexpr std::int32_t turns = 61;

constexpr double worth_sharing_ns = 100;
constexpr double spin_ns = 20'000;
// How often a worker on watch looks at its peers: at first, after a look that found frozen work (where one coroutine
// ran long, the next is likely to), and at most; each fruitless look doubles the time.
constexpr std::chrono::microseconds first_watch{100}, keen_watch{20}, slowest_watch{1000};
constexpr int empty_looks_before_sleep = 8;

}  // namespace

namespace {

// Cut to what a channel's lock can tell apart; whoever comes after so many earns no bias.
std::uint32_t next_id() noexcept {
    static constinit std::atomic<std::uint32_t> last{0};
    const std::uint32_t id = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return id < 1u << 29 ? id : 0;
}

}  // namespace

struct worker::glance {
    std::uint32_t ready = 0;
    std::uint32_t pops = 0;
    std::uint32_t children = 0;
    std::uint32_t oldest_taken = 0;
};

// ---- the hot half's slow paths ----

worker::worker(scheduler_core& owner) noexcept : home(owner), id(next_id()), watched_(owner.watched_) {}
worker::~worker() = default;

bool worker::account() noexcept {
    budget_ -= fuse_length_;
    const bool has_budget = budget_ > 0;
    if (!has_budget) budget_ = full_budget;
    fuse_ = fuse_length_ = std::min(offering_ ? short_fuse : fuse, budget_);
    show_work();
    if (measured_from_ == 0) measured_from_ = os::ticks();
    if (has_budget || (queue.size() == 0 && home.shared_count_.load(std::memory_order_relaxed) == 0)) return true;
    measured_from_ = 0;
    return false;
}

// Lets idle peers know of what is queued here, as far as they should.
void worker::show_work() noexcept {
    if (offering_) home.offer(*this);
    if (!watched()) home.request_watch();
}

void worker::end_measurement() noexcept {
    const std::uint64_t gap = std::min(os::ticks() - measured_from_, home.worth_sharing_ * 64);
    measured_from_ = 0;
    gap_ = gap_ - gap_ / 8 + gap / 8;
    if (gap_ > home.worth_sharing_)
        offering_ = true;
    else if (gap_ < home.worth_sharing_ / 2)
        offering_ = false;
}

task_header* run_queue::steal() noexcept {
    guard_.guest_acquire();
    task_header* first = nullptr;
    if (const std::uint32_t half = std::min<std::uint32_t>((ready() + 1) / 2, 256); half != 0) {
        first = first_;
        task_header* last = first_;
        for (std::uint32_t i = 1; i < half; ++i) last = last->next;
        first_ = last->next;
        if (!first_) last_ = nullptr;
        last->next = nullptr;
        count(ready_, -static_cast<int>(half));
        count(pops_, static_cast<int>(half));
    } else if (oldest_) {
        first = oldest_;
        drop_child(*first);
        first->next = nullptr;
    }
    guard_.guest_release();
    return first;
}

bool commit_task_elsewhere(task_header& task) noexcept {
    task.home->pin();
    return false;
}

// Tasks of one scheduler that follow each other go to it together, up to 64: thousands may wait on a channel that is
// closed, and the workers are to start before the last is on its way.
void wake_list::wake_all(wakeable* first) noexcept {
    while (wakeable* const each = first) {
        first = each->next;
        if (each->wake) {
            each->wake(*each);
            continue;
        }
        task_header* const head = static_cast<task_header*>(each->target);
        task_header* last = head;
        scheduler_core& home = *head->home;  // the tasks may be gone once they were injected; the pins keep their home
        std::uint32_t count = 1;
        for (; first && !first->wake && count < 64; first = first->next, ++count) {
            task_header* const task = static_cast<task_header*>(first->target);
            if (task->home != &home) break;
            last->next = task;
            last = task;
        }
        last->next = nullptr;
        home.inject_all(*head, *last, count);
        home.unpin(count);
    }
}

void requeue(task_header& task) noexcept {
    worker* const here = current_worker;
    if (here && &here->home == task.home)
        here->push_outside(task);
    else
        task.home->inject(task);
}

std::coroutine_handle<> task_promise_base::finish() noexcept {
    if (role == task_role::root) {
        home->retire(*this);
        return next_on_this_thread();
    }
    if (void* const parent = child.join.exchange(&done_mark, std::memory_order_acq_rel))
        return std::coroutine_handle<>::from_address(parent);
    return next_on_this_thread();
}

void uncaught_in_root(const char* name) noexcept {
    std::fprintf(stderr, "gristmill: an exception left the spawned task '%s'; catch it there, or use a task_group\n",
                 name ? name : "(unnamed)");
    std::terminate();
}

void start_fork(task_promise_base& child) noexcept {
    worker* const here = current_worker;
    if (!here) misuse("fork() outside of a coroutine on a scheduler");
    child.home = &here->home;
    child.role = task_role::forked;
    here->push_child(child);
}

bool take_back_fork(task_promise_base& child) noexcept {
    worker* const here = current_worker;
    return here && &here->home == child.home && here->queue.take_back(child, here->mark());
}

// A shutdown destroys parents, with their forks, after the threads have stopped: nothing runs then.
bool may_drop_fork(task_promise_base& child) noexcept {
    return take_back_fork(child) || child.child.join.load(std::memory_order_acquire) == &done_mark ||
           child.home->stopped();
}

void drop_running_fork() noexcept { misuse("a forked task was dropped while it runs: await it, or use a task_group"); }

// ---- the cold half ----

scheduler_core::scheduler_core(const scheduler_options& options)
    : engine_(current_engine), root_context_(std::make_unique<context_source>()) {
    const unsigned threads = engine_ ? 1 : options.threads != 0 ? options.threads : os::usable_cpus();
    if (threads > 60'000) misuse("a scheduler has at most 60,000 threads");
    const double unit = os::nanoseconds_per_tick();
    worth_sharing_ = static_cast<std::uint64_t>(worth_sharing_ns / unit);
    spin_ticks_ = static_cast<std::uint64_t>(spin_ns / unit);
    for (unsigned i = 0; i < threads; ++i) {
        workers_.push_back(std::make_unique<worker>(*this));
        worker& each = *workers_.back();
        each.index_ = i;
        each.glances_ = std::make_unique<worker::glance[]>(threads);
    }
    if (engine_) {  // the engine has the workers, and no two of them run at once
        worth_sharing_ = std::uint64_t{1} << 56;
        shared_count_.store(1, std::memory_order_relaxed);  // whoever has spent its budget yields
        return;
    }
    try {
        for (auto& each : workers_)
            threads_.emplace_back([this, &me = *each, name = options.name] {
                os::name_this_thread(name);
                os::precise_timers();
                run(me);
            });
    } catch (const std::system_error& refused) {
        stop_workers();
        throw std::system_error(refused.code(),
                                "gm::scheduler wants " + std::to_string(threads) + " threads; " + os::thread_limits());
    }
}

scheduler_core::~scheduler_core() = default;

bool scheduler_core::spawn(task_promise_base& root, const char* name) noexcept {
    root.home = this;
    root.role = task_role::root;
    std::construct_at(&root.root, task_promise_base::root_entry{nullptr, nullptr, name});
    const std::uint32_t which = next_shard_.fetch_add(1, std::memory_order_relaxed) % shards;
    root.shard = static_cast<std::uint8_t>(which);
    shard& list = shards_[which];
    // On a thread of somebody else's, a shutdown may come between the list and the queue: the pin holds it up.
    const bool guest = !current_worker || &current_worker->home != this;
    if (guest) pin();
    {
        lock_guard hold(list.guard);
        if (!accepting_.load(std::memory_order_relaxed)) {
            if (guest) unpin();
            return false;
        }
        live_.fetch_add(1, std::memory_order_relaxed);
        root.root.next = list.first;
        if (list.first) list.first->root.prev = &root;
        list.first = &root;
    }
    requeue(root);
    if (guest) unpin();
    return true;
}

void scheduler_core::retire(task_promise_base& root) noexcept {
    shard& list = shards_[root.shard];
    {
        lock_guard hold(list.guard);
        (root.root.prev ? root.root.prev->root.next : list.first) = root.root.next;
        if (root.root.next) root.root.next->root.prev = root.root.prev;
    }
    root.handle().destroy();
    if (live_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        if (parker* const drainer = drainer_.load(std::memory_order_acquire)) drainer->unpark();
}

void scheduler_core::inject(task_header& task) noexcept {
    task.next = nullptr;
    inject_all(task, task, 1);
}

void scheduler_core::inject_all(task_header& first, task_header& last, std::uint32_t count) noexcept {
    if (!engine_) return put_shared(&first, &last, count);
    for (task_header* each = &first; each != nullptr;) {
        task_header* const following = each->next;
        if (!stopping_.load(std::memory_order_relaxed)) engine_->ready(*each);
        each = following;
    }
}

void scheduler_core::put_shared(task_header* first, task_header* last, std::uint32_t count) noexcept {
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        if (stopping_.load(std::memory_order_relaxed)) return;  // its task is about to be destroyed
        (shared_last_ ? shared_last_->next : shared_first_) = first;
        shared_last_ = last;
        shared_count_.store(shared_count_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
        if (spinners_ == 0) sleeper = pop_sleeper();
    }
    if (sleeper) sleeper->bed_.unpark();
}

// requires: shared_guard_ is held. What is popped must be unparked.
worker* scheduler_core::pop_sleeper() noexcept {
    worker* const top = sleeping_;
    if (!top) return nullptr;
    sleeping_ = top->sleeping_below_;
    top->asleep_ = false;
    --sleepers_;
    note_idle();
    return top;
}

void scheduler_core::note_idle() noexcept { idle_.store(sleepers_ + spinners_, std::memory_order_relaxed); }

void scheduler_core::offer(worker& me) noexcept {
    const std::uint32_t idle = idle_.load(std::memory_order_relaxed);
    const std::uint32_t mine = me.queue.ready();
    if (idle == 0 || mine == 0 || shared_count_.load(std::memory_order_relaxed) >= idle) return;
    task_header* first = nullptr;
    task_header** end = &first;
    task_header* last = nullptr;
    std::uint32_t given = 0;
    for (; given < std::min<std::uint32_t>((mine + 1) / 2, 64); ++given) {
        task_header* const task = me.queue.pop();
        if (!task) break;
        task->next = nullptr;
        *end = task;
        end = &task->next;
        last = task;
    }
    if (given != 0) put_shared(first, last, given);
}

void scheduler_core::run(worker& me) noexcept {
    current_worker = &me;
    while (task_header* const task = find(me)) task->handle().resume();
    current_worker = nullptr;
}

task_header* scheduler_core::find(worker& me) noexcept {
    const bool look_around = me.turns_ <= 0;
    me.turns_ = turns;
    if (stopping_.load(std::memory_order_relaxed)) return nullptr;
    if (look_around)
        if (task_header* const task = take_shared(me)) return task;
    if (task_header* const task = me.queue.pop()) return task;
    me.measured_from_ = 0;  // waiting for work is not work
    while (!stopping_.load(std::memory_order_relaxed)) {
        if (task_header* const task = take_shared(me)) return task;
        if (task_header* const task = spin(me)) return task;
        if (task_header* const task = sleep(me)) return task;
    }
    return nullptr;
}

task_header* scheduler_core::take_shared(worker& me) noexcept {
    if (shared_count_.load(std::memory_order_relaxed) == 0) return nullptr;
    task_header* first;
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        const std::uint32_t there = shared_count_.load(std::memory_order_relaxed);
        if (there == 0) return nullptr;
        const std::uint32_t share = std::clamp<std::uint32_t>(there / threads(), 1, 64);
        first = shared_first_;
        task_header* last = first;
        for (std::uint32_t i = 1; i < share; ++i) last = last->next;
        shared_first_ = last->next;
        if (!shared_first_) shared_last_ = nullptr;
        last->next = nullptr;
        shared_count_.store(there - share, std::memory_order_relaxed);
        if (there != share && spinners_ == 0) sleeper = pop_sleeper();
    }
    if (sleeper) sleeper->bed_.unpark();
    return keep(me, first);
}

// The first of a chain is to be run; the rest waits here.
task_header* scheduler_core::keep(worker& me, task_header* chain) noexcept {
    for (task_header* each = chain->next; each != nullptr;) {
        task_header* const following = each->next;
        me.queue.push(*each);
        each = following;
    }
    return chain;
}

// While the work is worth sharing, more of it is likely to come within microseconds.
task_header* scheduler_core::spin(worker& me) noexcept {
    if (!me.offering_ || threads() == 1) return nullptr;
    {
        lock_guard hold(shared_guard_);
        ++spinners_;
        note_idle();
    }
    task_header* found = nullptr;
    const std::uint64_t start = os::ticks();
    for (bool stolen = false; !found && !stopping_.load(std::memory_order_relaxed);) {
        os::relax();
        if (shared_count_.load(std::memory_order_relaxed) != 0) break;
        const std::uint64_t spent = os::ticks() - start;
        if (spent > spin_ticks_) break;
        if (!stolen && spent > spin_ticks_ / 4) {
            stolen = true;
            found = look(me, true);
        }
    }
    {
        lock_guard hold(shared_guard_);
        --spinners_;
        note_idle();
    }
    return found ? found : take_shared(me);
}

// What has been in a peer's queue since the last look (or, for the greedy, what is there at all) is taken, by half.
task_header* scheduler_core::look(worker& me, bool greedy) noexcept {
    for (unsigned i = 1; i < threads(); ++i) {
        const unsigned which = (me.index_ + i) % threads();
        run_queue& queue = workers_[which]->queue;
        worker::glance& last = me.glances_[which];
        const worker::glance now{queue.ready(), queue.pops(), queue.children(), queue.oldest_taken()};
        const bool frozen = (now.ready != 0 && now.pops - last.pops < last.ready) ||
                            (now.children != 0 && last.children != 0 && now.oldest_taken == last.oldest_taken);
        last = now;
        if (!frozen && !(greedy && now.ready + now.children != 0)) continue;
        if (task_header* const chain = queue.steal()) return keep(me, chain);
    }
    return nullptr;
}

bool scheduler_core::anything_queued() const noexcept {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& each) { return each->queue.size() != 0; });
}

// Parks until there may be work; keeps watch over the others while they run and nobody else does.
task_header* scheduler_core::sleep(worker& me) noexcept {
    int empty_looks = 0;
    bool watch = false;
    if (task_header* const task = look(me, false)) {
        me.watch_delay_ = keen_watch;
        return task;
    }
    me.watch_delay_ = std::min(me.watch_delay_, first_watch);
    while (true) {
        {
            lock_guard hold(shared_guard_);
            if (stopping_.load(std::memory_order_relaxed) || shared_count_.load(std::memory_order_relaxed) != 0) {
                if (watch) end_watch();
                return nullptr;
            }
            const bool all_asleep = sleepers_ + 1 == threads();
            const bool tired = empty_looks >= empty_looks_before_sleep;
            if (!watch && !watching_ && !all_asleep && !tired) watch = watching_ = true;
            if (watch && (all_asleep || tired)) watch = watching_ = false;
            me.sleeping_below_ = sleeping_;
            sleeping_ = &me;
            me.asleep_ = true;
            ++sleepers_;
            note_idle();
            watched_.store(watching_, std::memory_order_relaxed);
        }
        if (!watch) {
            // Somebody may have queued work after our last look and before it could see that nobody watches.
            os::heavy_fence();
            if (!watched_.load(std::memory_order_relaxed) && anything_queued()) {
                if (!wake_up(me)) return nullptr;
                empty_looks = 0;
                continue;
            }
            me.bed_.park();
            return nullptr;
        }
        if (me.bed_.park_until(now() + me.watch_delay_) || !wake_up(me)) {
            end_watch_locked();
            return nullptr;
        }
        if (task_header* const task = look(me, false)) {
            me.watch_delay_ = keen_watch;
            end_watch_locked();
            return task;
        }
        me.watch_delay_ = std::min(me.watch_delay_ * 2, slowest_watch);
        empty_looks = anything_queued() ? 0 : empty_looks + 1;
    }
}

// Leaves the stack of sleepers by itself; false: somebody popped us first, and that unpark has been consumed.
bool scheduler_core::wake_up(worker& me) noexcept {
    {
        lock_guard hold(shared_guard_);
        if (me.asleep_) {
            worker** link = &sleeping_;
            while (*link != &me) link = &(*link)->sleeping_below_;
            *link = me.sleeping_below_;
            me.asleep_ = false;
            --sleepers_;
            note_idle();
            return true;
        }
    }
    me.bed_.park();
    return false;
}

void scheduler_core::end_watch() noexcept {
    watching_ = false;
    watched_.store(sleepers_ == 0, std::memory_order_relaxed);
}

void scheduler_core::end_watch_locked() noexcept {
    lock_guard hold(shared_guard_);
    end_watch();
}

void scheduler_core::request_watch() noexcept {
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        if (!watching_) sleeper = pop_sleeper();  // it will find nothing to do, and keep watch
        watched_.store(true, std::memory_order_relaxed);
    }
    if (sleeper) sleeper->bed_.unpark();
}

// ---- the end ----

void scheduler_core::wait_for_pins() const noexcept {
    for (int turn = 0; pins_.load(std::memory_order_acquire) != 0; ++turn) {
        if (current_engine)
            current_engine->yield();
        else if (turn < 100)
            os::relax();
        else
            std::this_thread::yield();  // whoever pinned was preempted between two steps of a wake-up
    }
}

void scheduler_core::stop_workers() noexcept {
    if (engine_) {
        stopping_.store(true, std::memory_order_relaxed);
        engine_->stop(*this);
        stopped_.store(true, std::memory_order_release);
        return;
    }
    {
        lock_guard hold(shared_guard_);
        stopping_.store(true, std::memory_order_relaxed);
    }
    while (true) {
        worker* sleeper;
        {
            lock_guard hold(shared_guard_);
            sleeper = pop_sleeper();
        }
        if (!sleeper) break;
        sleeper->bed_.unpark();
    }
    threads_.clear();
    stopped_.store(true, std::memory_order_release);
}

shutdown_report scheduler_core::shutdown(std::chrono::milliseconds grace) {
    shutdown_report report;
    if (current_worker && &current_worker->home == this) misuse("a scheduler shut down from one of its own threads");
    parker bed;
    if (!accepting_.exchange(false, std::memory_order_seq_cst)) return report;
    for (shard& each : shards_) lock_guard hold(each.guard);  // a spawn that saw us open is in its list now
    drainer_.store(&bed, std::memory_order_seq_cst);
    root_context_->cancel();
    const time_point start = now();
    const bool for_ever = grace > std::chrono::duration_cast<std::chrono::milliseconds>(time_point::max() - start);
    const time_point deadline = for_ever ? time_point::max() : start + std::max(grace, std::chrono::milliseconds(0));
    while (live() != 0 && bed.park_until(deadline)) {
    }
    drainer_.store(nullptr, std::memory_order_release);
    stop_workers();
    destroy_what_is_left(report);
    wait_for_pins();  // who woke a task that has ended since may still be on the way out of here
    report.values_destroyed = values_destroyed_.load(std::memory_order_relaxed);
    return report;
}

void scheduler_core::destroy_what_is_left(shutdown_report& report) {
    for (shard& each : shards_) {
        while (true) {
            task_promise_base* root;
            {
                lock_guard hold(each.guard);
                root = each.first;
                if (!root) break;
                each.first = root->root.next;
                if (each.first) each.first->root.prev = nullptr;
            }
            ++report.unfinished;
            if (root->root.name && report.names.size() < 100) report.names.emplace_back(root->root.name);
            wait_for_pins();
            root->handle().destroy();
            live_.fetch_sub(1, std::memory_order_relaxed);
        }
    }
}

}  // namespace detail

scheduler::scheduler(scheduler_options options)
    : core_(std::make_unique<detail::scheduler_core>(options)), grace_(options.grace) {}

scheduler::~scheduler() {
    const shutdown_report report = shutdown(grace_);
    if (report) return;
    std::fprintf(stderr, "gristmill: a scheduler was destroyed with %zu unfinished task(s)", report.unfinished);
    for (const std::string& name : report.names) std::fprintf(stderr, " '%s'", name.c_str());
    std::fputc('\n', stderr);
}

bool scheduler::spawn(task<> work, const char* name) {
    auto handle = work.release();
    if (!handle) detail::misuse("an empty task was spawned: it was moved from, or never made");
    if (core_->spawn(handle.promise(), name)) return true;
    handle.destroy();
    return false;
}

unsigned scheduler::threads() const noexcept { return core_->threads(); }
std::size_t scheduler::live_tasks() const noexcept { return core_->live(); }
const context& scheduler::root_context() const noexcept { return core_->root_context(); }
shutdown_report scheduler::shutdown(std::chrono::milliseconds grace) { return core_->shutdown(grace); }

}  // namespace gm
