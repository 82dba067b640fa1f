#pragma once
// Draws the picture on a terminal, over the one before. Knows the terminal's size, which may change meanwhile, and what it
// can show: colours unless NO_COLOR says otherwise, blocks where the locale has them.

#include <cstddef>
#include <string>

#include "board.hpp"

namespace demo {

class screen {
public:
    screen();
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;
    ~screen();

    // False: not a terminal, or not one that can be drawn on with a crew of that size.
    static bool can_draw(std::size_t workers);

    void draw(const picture& now);

private:
    std::string paint(const char* colour, const std::string& text) const;
    std::string lane(const worker_lane& of, std::size_t columns) const;
    std::string worker(std::size_t number, const worker_lane& of, const picture& now, std::size_t columns) const;
    std::string bar(double part, std::size_t columns) const;

    const bool colours_;
    const bool blocks_;
    std::size_t drawn_ = 0;  // lines
};

}  // namespace demo
