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

}  // namespace

result<publications, jobs::store_error> insert_on(PGconn* connection, std::span<const jobs::new_job> jobs,
                                                  const std::string& schema) {
    // The caller's search path stays as it is: `put` has its own, and its name is written in full.
    auto numbers = ask(connection,
                       "select array_agg(nextval('" + schema + ".job_number')) from generate_series(1, $1)",
                       parameters().add(static_cast<std::int64_t>(jobs.size())));
    if (!numbers) return failure(std::move(numbers).error().error);
    const std::vector<std::int64_t> ids = numbers->numbers(0, 0);
    const insertion what = insertion_of(pointers_to(jobs), ids, false);
    std::vector<rows> answers;
    for (const statement& each : what.list) {
        constexpr std::string_view verb = "select ";
        auto answer = ask(connection, "select " + schema + "." + std::string(each.sql.substr(verb.size())), each.with);
        if (!answer) return failure(std::move(answer).error().error);
        answers.push_back(*std::move(answer));
    }
    return publications_of(ids, what.counts, answers);
}

}  // namespace gm::stores::pg
