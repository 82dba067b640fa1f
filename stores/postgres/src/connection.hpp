#pragma once
// One connection to the server. It speaks in transactions: a list of statements goes out in one message, is one transaction,
// and is answered in one. So a round trip is a commit, nothing is left open when a program dies, and a pooler may
// hand each transaction to another server process: settings are local to the transaction, and statements get their names
// only when the server's process has turned out to be our own.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "fault.hpp"
#include "parameters.hpp"
#include "rows.hpp"

namespace gm::stores::pg {

struct settings {
    std::string url;
    std::string name;  // of the server and database, for messages: no password
    std::string schema;
    std::chrono::milliseconds statement_timeout{}, lock_timeout{};
};

// "host:port/database" out of a URL; the error says what is wrong with it.
result<std::string, std::string> name_of_url(const std::string& url);

struct close_connection {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using connection_ptr = std::unique_ptr<PGconn, close_connection>;

class connection {
public:
    static outcome<connection> open(const settings& how);

    // All of them in one transaction: the rows of each, once it is committed. The longest silence of the server that is borne
    // is its own time limit and some seconds.
    outcome<std::vector<rows>> run(std::span<const statement> list);

    // The same in two halves, for whoever has two connections at work at once: what goes out, then what comes back.
    std::optional<fault> ask(std::span<const statement> list);
    outcome<std::vector<rows>> hear();

    // Several commands in SQL's own text, for migrations: BEGIN and COMMIT are the caller's.
    outcome<std::vector<rows>> command(const std::string& sql);

    bool healthy() const noexcept { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }
    PGconn* raw() noexcept { return connection_.get(); }

private:
    connection(const settings& how, connection_ptr made) : how_(&how), connection_(std::move(made)) {}
    enum class message : std::uint8_t { prepares, asks };
    struct sent {
        message what;
        const char* name;  // of the statement; null: it has none
    };
    bool send(const statement& each);
    bool flush();
    bool wait(short events);
    PGresult* next_result();
    fault lost(bool sent);
    fault forgotten(fault&& why);

    const settings* how_;  // the store's; it outlives its connections
    connection_ptr connection_;
    std::vector<sent> asked_;
    bool silent_ = false;  // the server said nothing for too long
    // Whether the process that answers is the one that we were connected to: no pooler stands between that could give us another.
    bool direct_ = false;
    std::set<std::string_view> kept_;  // names that the server knows
};

fault fault_from(const PGresult* result, const std::string& name);

}  // namespace gm::stores::pg
