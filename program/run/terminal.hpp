#pragma once
// The terminal on standard error: whether there is one, what it can show, how large it is now.

#include <optional>

namespace gm::program {

struct terminal_abilities {
    bool colours = false;  // NO_COLOR forbids them
    bool unicode = false;  // by the locale
};

// None: standard error is no terminal, or one on which nothing can be drawn (TERM is dumb or not set).
std::optional<terminal_abilities> look_at_terminal();

struct terminal_size {
    unsigned columns = 80, rows = 24;
};
terminal_size size_of_terminal();

// Not in the background of a shell, whose user is busy with something else on it.
bool has_terminal_for_itself();

// Whether standard output goes to the same terminal.
bool output_shares_terminal();

}  // namespace gm::program
