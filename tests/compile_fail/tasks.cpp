// A task has one owner, runs once, and belongs to a coroutine of ours.
// misuse 1: deleted
// misuse 2: no member named .await_ready.|no viable|not viable
// misuse 3: task<T&&> would dangle
#include <gristmill/task.hpp>

#include <utility>

gm::task<int> seven() { co_return 7; }
gm::task<> right() {
    gm::task<int> one = seven();
    (void)co_await std::move(one);
}

#if MISUSE == 1
void wrong(gm::task<int>& one) { gm::task<int> two = one; }
#elif MISUSE == 2
gm::task<> wrong(gm::task<int>& one) { (void)co_await one; }
#elif MISUSE == 3
gm::task<int&&> wrong(int& value) { co_return std::move(value); }
#endif
