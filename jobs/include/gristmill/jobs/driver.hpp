#pragma once
// What a store says about itself before it is opened: how its URLs look, what it can do. The folder stores/NAME has a function
//
//     const gm::jobs::driver& gm::stores::NAME_driver() noexcept;
//
// in src/driver.cpp, and stores/open finds it there: NAME in the list GRISTMILL_STORES is all the registration there is.

#include <memory>
#include <span>
#include <string_view>

#include <gristmill/jobs/feature.hpp>
#include <gristmill/jobs/store.hpp>
#include <gristmill/jobs/store_url.hpp>

namespace gm::jobs {

struct driver {
    struct option {
        std::string_view name;
        std::string_view meaning;  // a line for the guide, with what holds if it is not given
    };

    std::string_view name;
    std::string_view form;                      // of its URLs: "sqlite:PATH"
    std::string_view purpose;                   // a line for the guide
    std::span<const std::string_view> schemes;  // in small letters
    std::span<const option> options;
    const feature_table& can;
    // The scheme is one of `schemes` and every option one of `options`.
    result<std::unique_ptr<store>, store_error> (*open)(const store_url& url);
};

}  // namespace gm::jobs
