#pragma once
// The names that somebody may have meant who wrote one that does not exist: for messages.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gm::jobs {

// Of `names`, the nearest first: those that differ from `word` by few slips (a letter wrong, missing, too many, two swapped), and
// those whose part after the last '/' is `word`. Capitals do not matter.
std::vector<std::string_view> near_to(std::string_view word, std::span<const std::string_view> names,
                                      std::size_t most = 3);

// ": did you mean 'x' or 'y'?", to end a message with; empty if nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> names);

}  // namespace gm::jobs
