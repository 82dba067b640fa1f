#include "connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace gm::stores::pg {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds grace = 5s;

std::string trimmed(const char* text) {
    std::string made = text ? text : "";
    while (!made.empty() && (made.back() == '\n' || made.back() == ' ')) made.pop_back();
    return made;
}

struct free_options {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

// Our statements are short. What is forbidden a sequential scan looks so costly to the planner where there is no other way, or a
// table has grown, that it would spend more time on compiling than on all the rest.
constexpr const char* preamble =
    "select set_config('search_path', $1, true), set_config('statement_timeout', $2, true), "
    "set_config('lock_timeout', $3, true), set_config('jit', 'off', true), pg_backend_pid()";
constexpr int pid_in_preamble = 4;

parameters preamble_of(const settings& how) {
    parameters made;
    made.add(how.schema + ", pg_temp")
        .add(std::to_string(how.statement_timeout.count()))
        .add(std::to_string(how.lock_timeout.count()));
    return made;
}

}  // namespace

result<std::string, std::string> name_of_url(const std::string& url) {
    char* said = nullptr;
    const std::unique_ptr<PQconninfoOption, free_options> options(PQconninfoParse(url.c_str(), &said));
    if (!options) {
        std::string why = trimmed(said);
        PQfreemem(said);
        return failure(std::move(why));
    }
    std::string host = "local socket", port = "5432", database;
    for (const PQconninfoOption* each = options.get(); each->keyword; ++each) {
        if (!each->val) continue;
        const std::string_view keyword = each->keyword;
        if (keyword == "host" || (keyword == "hostaddr" && host == "local socket")) host = each->val;
        if (keyword == "port") port = each->val;
        if (keyword == "dbname") database = each->val;
        if (keyword == "user" && database.empty()) database = each->val;
    }
    return host + ":" + port + "/" + database;
}

fault fault_from(const PGresult* result, const std::string& name) {
    const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char* const detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    fault made{.error = {}, .code = code ? code : ""};
    made.error.fault = meaning_of(made.code);
    made.error.what = name + ": " + trimmed(message ? message : PQresultErrorMessage(result));
    if (detail) made.error.what += " (" + trimmed(detail) + ")";
    if (made.error.fault == jobs::store_fault::too_old)
        made.error.what += "; the schema is older than this program, or much newer, or is another's";
    return made;
}

outcome<connection> connection::open(const settings& how) {
    // What stands before dbname may be overruled by the URL. No `options`: a pooler would refuse them.
    constexpr std::array keywords{"fallback_application_name",
                                  "connect_timeout",
                                  "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "tcp_user_timeout",
                                  "dbname",
                                  "client_encoding",
                                  static_cast<const char*>(nullptr)};
    const std::array values{
        "gristmill", "5", "20", "5", "3", "30000", how.url.c_str(), "UTF8", static_cast<const char*>(nullptr)};
    connection_ptr made(PQconnectdbParams(keywords.data(), values.data(), 1));
    if (!made || PQstatus(made.get()) != CONNECTION_OK) {
        const std::string said = made ? trimmed(PQerrorMessage(made.get())) : "out of memory";
        // libpq gives no SQLSTATE here, only the server's words.
        const bool refused =
            said.find("authentication failed") != std::string::npos ||
            said.find("no pg_hba.conf entry") != std::string::npos ||
            said.find("no password supplied") != std::string::npos ||
            (said.find("FATAL:") != std::string::npos && said.find("does not exist") != std::string::npos);
        return failure(fault{
            .error = {refused ? jobs::store_fault::refused : jobs::store_fault::unreachable, how.name + ": " + said},
            .lost = true});
    }
    PQsetNoticeProcessor(made.get(), [](void*, const char*) {}, nullptr);
    PQsetnonblocking(made.get(), 1);
    return connection(how, std::move(made));
}

outcome<std::vector<rows>> connection::run(std::span<const statement> list) {
    if (auto why = ask(list)) return failure(std::move(*why));
    return hear();
}

std::optional<fault> connection::ask(std::span<const statement> list) {
    PGconn* const to = connection_.get();
    silent_ = false;
    // Without BEGIN: what is sent up to one sync is one transaction, and an error rolls it back without another word.
    if (PQpipelineStatus(to) == PQ_PIPELINE_OFF && PQenterPipelineMode(to) == 0) return lost(false);
    asked_.clear();
    if (!send({preamble, preamble_of(*how_), "select set_config"})) return lost(false);
    for (const statement& each : list)
        if (!send(each)) return lost(false);
    // A transaction whose sync did not go out is not committed, but no one can say how much of it went.
    if (PQpipelineSync(to) == 0 || !flush()) return lost(true);
    return std::nullopt;
}

bool connection::send(const statement& each) {
    PGconn* const to = connection_.get();
    const parameters::view view = each.with.as_libpq();
    const auto count = static_cast<int>(view.values.size());
    const unsigned* const types = each.with.types().data();
    const char* const name = direct_ ? each.name : nullptr;
    const auto on_its_way = [&](const sent& one) {
        return one.what == message::prepares && std::string_view(one.name) == name;
    };
    if (name && !kept_.contains(name) && std::ranges::none_of(asked_, on_its_way)) {
        asked_.push_back({message::prepares, name});
        if (PQsendPrepare(to, name, each.sql.data(), count, types) == 0) return false;
    }
    asked_.push_back({message::asks, name});
    if (name)
        return PQsendQueryPrepared(to, name, count, view.values.data(), view.lengths.data(), view.formats.data(), 1) !=
               0;
    return PQsendQueryParams(to, each.sql.data(), count, types, view.values.data(), view.lengths.data(),
                             view.formats.data(), 1) != 0;
}

// Waits for the socket, as long as the server may be silent.
bool connection::wait(short events) {
    pollfd socket{PQsocket(connection_.get()), events, 0};
    const auto patience = how_->statement_timeout + grace;
    const int ready = poll(&socket, 1, static_cast<int>(patience.count()));
    silent_ = ready == 0;
    return ready > 0;
}

bool connection::flush() {
    PGconn* const to = connection_.get();
    for (;;) {
        const int left = PQflush(to);
        if (left <= 0) return left == 0;
        // The server may not read on before we have read what it has to say.
        if (!wait(POLLIN | POLLOUT) || PQconsumeInput(to) == 0) return false;
    }
}

PGresult* connection::next_result() {
    PGconn* const from = connection_.get();
    while (PQisBusy(from))
        if (!wait(POLLIN) || PQconsumeInput(from) == 0) return nullptr;
    return PQgetResult(from);
}

outcome<std::vector<rows>> connection::hear() {
    std::vector<rows> answers;
    answers.reserve(asked_.size());
    std::optional<fault> first;
    bool by_name = false;  // what went wrong first
    std::size_t at = 0;    // the message whose results come
    for (;;) {
        result_ptr result(next_result());
        if (!result) {
            // The end of one message's results; or of everything.
            if (silent_ || !healthy() || ++at > asked_.size()) break;
            continue;
        }
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_PIPELINE_SYNC) {
            if (first) return failure(by_name ? forgotten(std::move(*first)) : std::move(*first));
            direct_ = answers.front().number(0, pid_in_preamble) == PQbackendPID(connection_.get());
            answers.erase(answers.begin());  // of the preamble
            return answers;
        }
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            // What is prepared stays so, whatever becomes of the transaction.
            if (at < asked_.size() && asked_[at].what == message::prepares)
                kept_.insert(asked_[at].name);
            else
                answers.emplace_back(std::move(result));
        } else if (status != PGRES_PIPELINE_ABORTED && !first) {
            first = fault_from(result.get(), how_->name);
            by_name = at < asked_.size() && asked_[at].name;
        }
    }
    fault why = lost(true);
    // The server's last words say more than that it went away.
    if (first) {
        why.code = first->code;
        why.error.what = std::move(first->error.what);
    }
    return failure(std::move(why));
}

// A statement that was asked for by its name failed. If the name is at fault (somebody has made the server forget it, has taken it
// himself, or has changed the type of what it gives), a new connection mends it; and nothing was done.
fault connection::forgotten(fault&& why) {
    constexpr std::array at_fault{"26000", "42P05", "0A000"};
    if (std::ranges::any_of(at_fault, [&](const char* code) { return why.is(code); })) {
        why.lost = true;
        connection_.reset();
    }
    return std::move(why);
}

fault connection::lost(bool sent) {
    std::string said = silent_ ? "no answer for too long" : trimmed(PQerrorMessage(connection_.get()));
    if (said.empty()) said = "the connection is lost";
    connection_.reset();
    return {.error = {jobs::store_fault::unreachable, how_->name + ": " + said}, .lost = true, .ambiguous = sent};
}

outcome<std::vector<rows>> connection::command(const std::string& sql) {
    PGconn* const to = connection_.get();
    if (PQpipelineStatus(to) != PQ_PIPELINE_OFF && PQexitPipelineMode(to) == 0) return failure(lost(false));
    std::vector<rows> answers;
    if (PQsendQuery(to, sql.c_str()) == 0 || !flush()) return failure(lost(true));
    std::optional<fault> first;
    while (result_ptr result{next_result()}) {
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
            answers.emplace_back(std::move(result));
        else if (!first)
            first = fault_from(result.get(), how_->name);
    }
    if (silent_ || !healthy()) return failure(lost(true));
    if (first) return failure(std::move(*first));
    return answers;
}

}  // namespace gm::stores::pg
