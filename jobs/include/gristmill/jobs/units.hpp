#pragma once
// Durations and sizes as people write them: "1h30m", "250ms", "0.5s", "7d"; "64k", "1.5M", "10MB".

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

namespace gm::jobs {

// Numbers with units, the larger units first, each at most once: w, d, h, m (minutes), s, ms, us. A number may have a fraction, if
// that comes out at whole microseconds. 0 needs no unit. The error is a sentence that quotes the text.
result<std::chrono::microseconds, std::string> parse_duration(std::string_view text);

// Bytes. k, M, G, T (or KiB, MiB, GiB, TiB) go by 1024; kB, MB, GB, TB by 1000; without a unit, or with B, they are bytes.
result<std::uint64_t, std::string> parse_size(std::string_view text);

}  // namespace gm::jobs
