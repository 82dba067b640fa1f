#include <gristmill/stores/open.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <gristmill/jobs/near.hpp>

namespace gm::stores {

namespace {

jobs::store_error invalid(std::string what) { return {jobs::store_fault::invalid, std::move(what)}; }

jobs::store_error unknown_scheme(const std::string& scheme, std::span<const jobs::driver* const> among) {
    std::vector<std::string_view> schemes;
    std::string forms;
    for (const jobs::driver* each : among) {
        schemes.insert(schemes.end(), each->schemes.begin(), each->schemes.end());
        forms += (forms.empty() ? "" : ", ") + std::string(each->form);
    }
    if (forms.empty()) forms = "none";
    return invalid("no store of this program has URLs that begin with '" + scheme + ":'" +
                   jobs::did_you_mean(scheme, schemes) + "; there are: " + forms);
}

jobs::store_error unknown_option(const std::string& name, const jobs::driver& of) {
    std::vector<std::string_view> names;
    for (const jobs::driver::option& each : of.options) names.push_back(each.name);
    std::string all;
    for (const std::string_view each : names) all += (all.empty() ? "" : ", ") + std::string(each);
    if (all.empty()) all = "none";
    return invalid(std::string(of.name) + ": there is no option '" + name + "'" + jobs::did_you_mean(name, names) +
                   "; there are: " + all);
}

}  // namespace

result<std::unique_ptr<jobs::store>, jobs::store_error> open(std::string_view url,
                                                             std::span<const jobs::driver* const> among) {
    auto read = jobs::store_url::parse(url);
    if (!read) return failure(std::move(read).error());
    const auto at = std::ranges::find_if(among, [&](const jobs::driver* each) {
        return std::ranges::find(each->schemes, read->scheme()) != each->schemes.end();
    });
    if (at == among.end()) return failure(unknown_scheme(read->scheme(), among));
    const jobs::driver& driver = **at;
    for (const auto& [name, value] : read->options())
        if (std::ranges::find(driver.options, name, &jobs::driver::option::name) == driver.options.end())
            return failure(unknown_option(name, driver));
    return driver.open(*read);
}

result<std::unique_ptr<jobs::store>, jobs::store_error> open(std::string_view url) { return open(url, drivers()); }

}  // namespace gm::stores
