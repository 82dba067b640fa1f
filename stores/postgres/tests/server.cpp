#include "server.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace gm::test {

namespace {

// The lines that a script of tests/servers prints. A server that cannot be had is no reason to pass.
std::vector<std::string> run_script(const std::string& words) {
    const std::string command = std::string(GRISTMILL_SERVERS) + "/" + words;
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run " + command);
    std::vector<std::string> lines;
    std::array<char, 512> text{};
    while (std::fgets(text.data(), text.size(), pipe)) {
        lines.emplace_back(text.data());
        if (!lines.back().empty() && lines.back().back() == '\n') lines.back().pop_back();
    }
    if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
    return lines;
}

}  // namespace

server& server::shared() {
    static server one;
    return one;
}

server::server() {
    if (const char* const given = std::getenv("GRISTMILL_POSTGRES")) {
        url_ = given;
        return;
    }
    const auto lines = run_script("postgres start max_connections=200 fsync=off full_page_writes=off");
    folder_ = lines.at(0);
    url_ = lines.at(1);
}

server::~server() {
    if (!pooler_folder_.empty()) run_script("pgbouncer stop " + pooler_folder_);
    if (!folder_.empty()) run_script("postgres stop " + folder_);
}

std::string server::pooled_url() {
    if (pooled_url_.empty()) {
        const std::string port = url_.substr(url_.rfind(':') + 1);
        const auto lines = run_script("pgbouncer start " + port.substr(0, port.find('/')));
        pooler_folder_ = lines.at(0);
        pooled_url_ = lines.at(1);
    }
    return pooled_url_;
}

void server::kill() { run_script("postgres kill " + folder_); }
void server::restart() { run_script("postgres restart " + folder_); }

std::string fresh_schema() {
    static std::atomic<int> count = 0;
    return "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
}

std::unique_ptr<jobs::store> open_store(const std::string& url, stores::postgres_options options) {
    if (options.schema == "gristmill") options.schema = fresh_schema();
    auto made = stores::open_postgres(url, options);
    if (!made) throw std::runtime_error(made.error().what);
    return *std::move(made);
}

plain_connection::plain_connection(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    EXPECT_EQ(PQstatus(connection_), CONNECTION_OK) << PQerrorMessage(connection_);
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
}

plain_connection::~plain_connection() { PQfinish(connection_); }

std::string plain_connection::ask(const std::string& sql) {
    PGresult* const answer = PQexec(connection_, sql.c_str());
    EXPECT_EQ(PQresultStatus(answer), PGRES_TUPLES_OK) << sql << ": " << PQresultErrorMessage(answer);
    std::string text = PQntuples(answer) > 0 ? PQgetvalue(answer, 0, 0) : "";
    PQclear(answer);
    return text;
}

bool plain_connection::tell(const std::string& sql) {
    PGresult* const answer = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(answer);
    PQclear(answer);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace gm::test
