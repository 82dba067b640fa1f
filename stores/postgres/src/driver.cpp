// How it is opened by a URL: what libpq knows is passed on to it, the rest is ours.
#include <algorithm>
#include <array>

#include <gristmill/jobs/driver.hpp>
#include <gristmill/stores/postgres.hpp>

#include "features.hpp"

namespace gm::stores {

namespace {

constexpr std::array<std::string_view, 2> schemes{"postgres", "postgresql"};
constexpr jobs::driver::option options[]{
    {"schema", "where everything is kept in the database: gristmill"},
    {"notify_url", "a way to the server that is no pooler, for notifications: the URL itself"},
    {"connections", "for inserts and questions; a worker has three of its own besides, a busy one four: 4"},
    {"statement_timeout", "longer than this no statement runs: 30s"},
    {"lock_timeout", "longer than this no lock is waited for: 10s"},
    {"patience", "how long an insert goes on trying while the server is away: 10s"},
    {"migrate", "whether a schema that is too old is brought up to date: yes"},
    {"arguments", "the most bytes that a job's arguments may have: 64k"},
    {"result", "the same for its result: 64k"},
    {"error", "what is kept of an error's words: 8k"},
    {"log", "what is kept of an attempt's log: 1M"},
    {"sslmode", "libpq's: prefer"},
    {"sslrootcert", "libpq's"},
    {"sslcert", "libpq's"},
    {"sslkey", "libpq's"},
    {"host", "libpq's"},
    {"user", "libpq's"},
    {"password", "libpq's"},
    {"passfile", "libpq's"},
    {"connect_timeout", "libpq's, in seconds: 5"},
    {"application_name", "libpq's: gristmill"},
    {"target_session_attrs", "libpq's: any"},
};
constexpr std::array<std::string_view, 11> libpqs{"sslmode",
                                                  "sslrootcert",
                                                  "sslcert",
                                                  "sslkey",
                                                  "host",
                                                  "user",
                                                  "password",
                                                  "passfile",
                                                  "connect_timeout",
                                                  "application_name",
                                                  "target_session_attrs"};

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string made;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (plain)
            made += c;
        else
            (made += '%') += {digits[byte >> 4], digits[byte & 15]};
    }
    return made;
}

result<std::unique_ptr<jobs::store>, jobs::store_error> open_by_url(const jobs::store_url& url) {
    postgres_options how;
    jobs::option_reader read(url);
    read.limits(how.limits);
    read.size("connections", how.connections);
    read.duration("statement_timeout", how.statement_timeout);
    read.duration("lock_timeout", how.lock_timeout);
    read.duration("patience", how.patience);
    read.flag("migrate", how.migrate);
    if (read.error()) return failure(*read.error());
    if (const auto* const given = url.find("schema")) how.schema = given->value;
    if (const auto* const given = url.find("notify_url")) how.notify_url = given->value;
    std::string for_libpq = url.scheme() + ":" + url.written_place();
    char separator = '?';
    for (const auto& [name, value] : url.options())
        if (std::ranges::find(libpqs, name) != libpqs.end()) {
            for_libpq += separator + name + "=" + percent_encoded(value);
            separator = '&';
        }
    return open_postgres(for_libpq, how);
}

}  // namespace

const jobs::driver& postgres_driver() noexcept {
    static const jobs::driver all{"postgres",
                                  "postgres://USER@HOST/DATABASE",
                                  "workers on many machines, inserts in the application's own transaction",
                                  schemes,
                                  options,
                                  pg::features,
                                  open_by_url};
    return all;
}

}  // namespace gm::stores
