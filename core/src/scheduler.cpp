#include <gristmill/scheduler.hpp>

#include <cstdio>
#include <system_error>

namespace gm {
namespace detail {

namespace {
constexpr double worth_sharing_ns = 100;
constexpr double spin_ns = 20'000;
constexpr double virtual_step_ns = 100;  // where steps are counted, not time
}  // namespace

scheduler_core::scheduler_core(const scheduler_options& options, std::source_location where)
    : engine_(current_engine && current_engine->runs_coroutines() ? current_engine : nullptr),
      root_context_(std::make_unique<context_source>()) {
    const unsigned threads = engine_ ? 1 : options.threads != 0 ? options.threads : os::usable_cpus();
    if (threads > 60'000) misuse("a scheduler has at most 60,000 threads", where);
    const double unit = current_engine ? virtual_step_ns : os::nanoseconds_per_tick();
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
            threads_.emplace_back(options.name, [this, &me = *each] {
                if (!current_engine) os::precise_timers();
                run(me);
            });
    } catch (const std::system_error& refused) {
        stop_workers();
        throw std::system_error(refused.code(),
                                "gm::scheduler wants " + std::to_string(threads) + " threads; " + os::thread_limits());
    }
}

scheduler_core::~scheduler_core() = default;

bool scheduler_core::spawn(task_promise<void>& root, const char* name) noexcept {
    root.home = this;
    root.become_root(name);
    root.shard = static_cast<std::uint8_t>(next_shard_.fetch_add(1, std::memory_order_relaxed) % shards);
    shard& list = shards_[root.shard];
    const bool guest = !current_worker || &current_worker->home != this;
    {
        lock_guard hold(list.guard);
        if (!accepting_.load(std::memory_order_relaxed)) return false;
        live_.fetch_add(1, std::memory_order_relaxed);
        root.root.next = list.first;
        if (list.first) list.first->root.prev = &root;
        list.first = &root;
        // On a thread of somebody else's, a shutdown might come between the list and the queue: it takes this lock before
        // it destroys anything. Not by a pin: threads that go on trying in vain would hold up the end for ever.
        if (guest) inject(root);
    }
    if (!guest) requeue(root);
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

}  // namespace detail

scheduler::scheduler(scheduler_options options, std::source_location where)
    : core_(std::make_unique<detail::scheduler_core>(options, where)), grace_(options.grace), made_(where) {}

scheduler::~scheduler() {
    const shutdown_report report = shutdown(grace_, made_);
    if (report) return;
    std::fprintf(stderr, "gristmill: the scheduler made at %s:%u was destroyed with %zu unfinished task(s)",
                 made_.file_name(), static_cast<unsigned>(made_.line()), report.unfinished);
    for (const std::string& name : report.names) std::fprintf(stderr, " '%s'", name.c_str());
    std::fputc('\n', stderr);
}

bool scheduler::spawn(task<> work, const char* name, std::source_location where) {
    auto handle = work.release();
    if (!handle) detail::misuse("an empty task was spawned: it was moved from, or never made", where);
    if (core_->spawn(handle.promise(), name)) return true;
    handle.destroy();
    return false;
}

unsigned scheduler::threads() const noexcept { return core_->threads(); }
std::size_t scheduler::live_tasks() const noexcept { return core_->live(); }
const context& scheduler::root_context() const noexcept { return core_->root_context(); }
shutdown_report scheduler::shutdown(std::chrono::milliseconds grace, std::source_location where) {
    return core_->shutdown(grace, where);
}

}  // namespace gm
