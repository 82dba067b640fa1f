#pragma once
// What a run would have taken with another crew: a gm::pool of that size goes through the same jobs again, on virtual time, where each of
// them takes as long as it took. It is the real pool, queue and all; only the clock is not.

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace gm::program {

struct replayed {
    unsigned crew = 0;
    double seconds = 0;
    double busy = 0;  // the part of the crew's time that went into jobs, 0 to 1
};

// requires: crew > 0.
replayed replay(std::span<const std::chrono::nanoseconds> durations, unsigned crew);

// The same moment by moment: what waits and what each worker does, as a table in Markdown.
std::string replay_table(std::span<const std::chrono::nanoseconds> durations, unsigned crew);

// Sizes worth looking at, from 1 to `most`: each half as large again as the one before, or, `few`, twice as large.
std::vector<unsigned> sizes_to_try(unsigned most, bool few);

// Which of them to choose: the largest that is busy for four fifths of its time, or a smaller one that takes no more than a twentieth
// longer. requires: `all` is not empty, and its crews grow.
std::size_t choice(std::span<const replayed> all);

}  // namespace gm::program
