#pragma once

#include <cstddef>

#include <gristmill/jobs/feature.hpp>

namespace gm::stores::pg {

// All there is.
inline constexpr jobs::feature_table features = [] {
    jobs::feature_table table;
    table.fill({jobs::support::yes, {}});
    table[static_cast<std::size_t>(jobs::feature::one_commit)] = {jobs::support::partly,
                                                                  "in two at once where both are large"};
    return table;
}();

}  // namespace gm::stores::pg
