#include "insert.hpp"

#include <utility>

namespace gm::stores::pg {

namespace {

outcome<rows> ask(PGconn* connection, const std::string& sql, const parameters& with) {
    const parameters::view view = with.as_libpq();
    result_ptr answer(PQexecParams(connection, sql.c_str(), static_cast<int>(view.values.size()), with.types().data(),
                                   view.values.data(), view.lengths.data(), view.formats.data(), 1));
    if (PQresultStatus(answer.get()) == PGRES_TUPLES_OK) return rows(std::move(answer));
    fault why = fault_from(answer.get(), "insert");
    if (PQstatus(connection) != CONNECTION_OK) why.error.fault = jobs::store_fault::unreachable;
    return failure(std::move(why));
}

outcome<publications> insert_in_transaction(PGconn* connection, std::span<const jobs::new_job> jobs,
                                            const std::string& schema) {
    // The caller's search path stays as it is: `put` has its own, and its name is written in full.
    auto numbers = ask(connection, "select array_agg(nextval('" + schema + ".job_number')) from generate_series(1, $1)",
                       parameters().add(static_cast<std::int64_t>(jobs.size())));
    if (!numbers) return failure(std::move(numbers).error());
    const std::vector<std::int64_t> ids = numbers->numbers(0, 0);
    const insertion what = insertion_of(pointers_to(jobs), ids, false);
    std::vector<rows> answers;
    for (const statement& each : what.list) {
        constexpr std::string_view verb = "select ";
        auto answer = ask(connection, "select " + schema + "." + std::string(each.sql.substr(verb.size())), each.with);
        if (!answer) return failure(std::move(answer).error());
        answers.push_back(*std::move(answer));
    }
    return publications_of(ids, what.counts, answers);
}

std::optional<fault> tell(PGconn* connection, const char* sql) {
    const result_ptr answer(PQexec(connection, sql));
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return std::nullopt;
    return fault_from(answer.get(), "insert");
}

}  // namespace

result<publications, jobs::store_error> insert_on(PGconn* connection, std::span<const jobs::new_job> jobs,
                                                  const std::string& schema) {
    const bool in_transaction = PQtransactionStatus(connection) != PQTRANS_IDLE;
    if (!in_transaction)
        if (auto why = tell(connection, "begin")) return failure(std::move(why->error));
    auto made = insert_in_transaction(connection, jobs, schema);
    if (!in_transaction) {
        auto why = tell(connection, made ? "commit" : "rollback");
        if (made && why) return failure(std::move(why->error));
    }
    if (!made) return failure(std::move(made).error().error);
    return *std::move(made);
}

}  // namespace gm::stores::pg
