// The cases of a select fit their channels and their handlers.
// misuse 1: no matching function for call to 'on'
// misuse 2: no matching function for call to 'on'
// misuse 3: no matching function for call to 'on'
// misuse 4: a select has 1 to 64 cases
// misuse 5: the cases of a select are
// misuse 6: deleted
// misuse 7: ignoring return value
#include <gristmill/select.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

void right(const gm::receiver<int>& numbers, const gm::sender<std::string>& words) {
    std::string word = "word";
    (void)gm::select(gm::on(numbers, [](int) {}), gm::on(numbers, [](std::optional<int>) {}), gm::on(numbers, [] {}),
                     gm::on(words, gm::send(word), [] {}),
                     gm::on(words, gm::send(std::move(word)), [](gm::channel_status) {}),
                     gm::after(std::chrono::seconds(1), [] {}));
}

void wrong([[maybe_unused]] const gm::receiver<int>& numbers, [[maybe_unused]] const gm::sender<std::string>& words,
           [[maybe_unused]] const gm::channel<std::unique_ptr<int>>& owners) {
#if MISUSE == 1  // the handler takes something else
    (void)gm::select(gm::on(numbers, [](std::string) {}));
#elif MISUSE == 2  // the channel carries something else
    (void)gm::select(gm::on(words, gm::send(7), [] {}));
#elif MISUSE == 3  // that end does not receive
    (void)gm::select(gm::on(words, [](std::string) {}));
#elif MISUSE == 4
    (void)gm::select();
#elif MISUSE == 5
    (void)gm::select([] {});
#elif MISUSE == 6  // would copy what cannot be copied
    const auto owner = std::make_unique<int>(7);
    (void)gm::select(gm::on(owners, gm::send(owner), [] {}));
#elif MISUSE == 7
    gm::async_select(gm::on(numbers, [](int) {}));
#endif
}
