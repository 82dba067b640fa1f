#pragma once
// The files of schema/, in their order. The n-th makes version n out of version n - 1.

#include <span>
#include <string_view>

namespace gm::stores::pg {

struct migration {
    std::string_view name, text;
};
std::span<const migration> migrations() noexcept;

}  // namespace gm::stores::pg
