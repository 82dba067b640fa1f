#pragma once

#include <gristmill/jobs/feature.hpp>

namespace gm::stores::pg {

// All there is.
inline constexpr jobs::feature_table features = [] {
    jobs::feature_table table;
    table.fill({jobs::support::yes, {}});
    return table;
}();

}  // namespace gm::stores::pg
