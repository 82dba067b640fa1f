#pragma once
// A PostgreSQL of the tests' own, started once in a process by tests/servers/postgres and stopped at its end; a pgbouncer before it
// where one is asked for. GRISTMILL_POSTGRES names a server to use instead: then the tests that kill it are skipped.

#include <memory>
#include <string>

#include <libpq-fe.h>
#include <gristmill/jobs/ledger.hpp>
#include <gristmill/stores/postgres.hpp>

namespace gm::test {

class server {
public:
    static server& shared();  // one for all tests that do not break it
    server();
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    const std::string& url() const noexcept { return url_; }
    std::string pooled_url();  // through pgbouncer
    void kill();
    void restart();

private:
    std::string folder_, url_, pooler_folder_, pooled_url_;
};

// A schema of its own for each test: they share a server and not a row.
std::string fresh_schema();
std::unique_ptr<jobs::store> open_store(const std::string& url, stores::postgres_options options = {});

// A plain connection, as an application has one.
class plain_connection {
public:
    explicit plain_connection(const std::string& url);
    ~plain_connection();
    plain_connection(const plain_connection&) = delete;
    plain_connection& operator=(const plain_connection&) = delete;

    // The first column of the first row; fails the test on an error.
    std::string ask(const std::string& sql);
    // Whether the server took it.
    bool tell(const std::string& sql);
    PGconn* raw() const noexcept { return connection_; }

private:
    PGconn* connection_;
};

}  // namespace gm::test
