// How it is opened by a URL.
#include <array>

#include <gristmill/jobs/driver.hpp>
#include <gristmill/stores/sqlite.hpp>

#include "store.hpp"

namespace gm::stores {

namespace {

constexpr std::array<std::string_view, 1> schemes{"sqlite"};
constexpr jobs::driver::option options[]{
    {"sync", "full: what was accepted survives a power cut; normal: it survives a crash of the program"},
    {"create", "whether the file is made if it is not there: yes"},
    {"migrate", "whether an older schema is brought up to date: yes"},
    {"patience", "how long to wait for a process that holds the file: 30s"},
    {"arguments", "the most bytes that a job's arguments may have: 64k"},
    {"result", "the same for its result: 64k"},
    {"error", "what is kept of an error's words: 8k"},
    {"log", "what is kept of an attempt's log: 1M"},
};

result<std::unique_ptr<jobs::store>, jobs::store_error> open_by_url(const jobs::store_url& url) {
    sqlite_options how;
    jobs::option_reader read(url);
    read.choice("sync", how.durable, {{"full", durability::full}, {"normal", durability::normal}});
    read.flag("create", how.create);
    read.flag("migrate", how.migrate);
    read.duration("patience", how.patience);
    read.limits(how.limits);
    if (url.path().empty())
        return failure(jobs::store_error{jobs::store_fault::invalid, "sqlite: without a file; write sqlite:work.db"});
    if (read.error()) return failure(*read.error());
    return open_sqlite(url.path(), how);
}

}  // namespace

const jobs::driver& sqlite_driver() noexcept {
    static const jobs::driver all{"sqlite",   "sqlite:PATH", "jobs in one file, for all processes of one machine",
                                  schemes,    options,       sqlite::what_it_can(),
                                  open_by_url};
    return all;
}

}  // namespace gm::stores
