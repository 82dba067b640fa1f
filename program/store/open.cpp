#include "program/store/open.hpp"

#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <system_error>
#include <utility>

#include <gristmill/jobs/store_url.hpp>
#include <gristmill/stores/open.hpp>

namespace gm::program {

namespace {

namespace fs = std::filesystem;

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

// As the XDG base directory specification has it: a relative path in the variable counts for nothing.
result<fs::path, std::string> state_folder() {
    if (const fs::path given(variable("XDG_STATE_HOME")); given.is_absolute()) return given / "gristmill";
    if (const fs::path home(variable("HOME")); home.is_absolute()) return home / ".local/state/gristmill";
    return failure(std::string("there is no $HOME to keep jobs in; name a store: --store sqlite:work.db"));
}

// In a URL a ? begins the options, and a % stands for a byte.
std::string as_url(const fs::path& file) {
    std::string url = "sqlite:";
    for (const char c : file.string()) {
        if (c == '%' || c == '?')
            url += c == '%' ? "%25" : "%3F";
        else
            url += c;
    }
    return url;
}

// The URL with the option NAME=no in the place of what it says of that.
std::string with_no(std::string_view url, std::string_view name) {
    const std::size_t end = std::min(url.find('?'), url.size());
    std::string made(url.substr(0, end));
    char joint = '?';
    for (const auto part : std::views::split(url.substr(std::min(end + 1, url.size())), '&')) {
        const std::string_view option(part.begin(), part.end());
        if (option.empty() || option.substr(0, option.find('=')) == name) continue;
        (made += std::exchange(joint, '&')) += option;
    }
    return ((made += joint) += name) += "=no";
}

bool is_given(const store_options& options) { return !options.store.empty() || !variable("GRISTMILL_STORE").empty(); }

// A file name in place of a URL is what people write first.
std::string hint_for(const std::string& url) {
    if (url.find(':') != std::string::npos) return {};
    return "; for a file, write " + as_url(url);
}

}  // namespace

result<std::string, std::string> store_url_of(const store_options& options) {
    if (!options.store.empty()) return options.store;
    if (const auto named = variable("GRISTMILL_STORE"); !named.empty()) return std::string(named);
    const auto folder = state_folder();
    if (!folder) return failure(std::string(folder.error()));
    return as_url(*folder / "jobs.db");
}

std::string with(std::string url, if_missing file) {
    const auto read = jobs::store_url::parse(url);
    if (!read || read->scheme() != "sqlite" || file == if_missing::make || read->find("create")) return url;
    return with_no(url, "create");
}

std::string unchanged(std::string url) {
    const auto read = jobs::store_url::parse(url);
    if (!read || read->scheme() == "memory") return url;
    if (read->scheme() == "sqlite") url = with_no(url, "create");
    return with_no(url, "migrate");
}

result<std::unique_ptr<jobs::store>, std::string> open_store(const store_options& options, if_missing file) {
    auto url = store_url_of(options);
    if (!url) return failure(std::string(url.error()));
    if (!is_given(options)) {
        const auto folder = state_folder();
        const fs::path name = *folder / "jobs.db";
        std::error_code failed;
        if (file == if_missing::refuse && !fs::exists(name, failed))
            return failure("there are no jobs yet (" + name.string() + "); `gristmill push` makes the first one");
        const bool made = fs::create_directories(*folder, failed);
        if (failed) return failure(folder->string() + ": " + failed.message());
        if (made) fs::permissions(*folder, fs::perms::owner_all, failed);  // arguments are nobody else's business
        if (failed) return failure(folder->string() + ": " + failed.message());
    }
    const auto read = jobs::store_url::parse(*url);
    if (!read) return failure("--store: " + read.error().what + hint_for(*url));
    if (read->scheme() == "memory")
        return failure(std::string("--store: what is in memory: ends with this process; sqlite:work.db stays"));
    auto store = stores::open(with(*url, file));
    if (!store) return failure(std::move(store).error().what);
    return *std::move(store);
}

}  // namespace gm::program
