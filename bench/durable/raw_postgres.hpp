// The raw limit of PostgreSQL with our schema: prepared statements by libpq, by hand, synchronous_commit on. Inserts on ten
// connections, a statement for each job; the drain on one connection, claim and settle of a batch in one round trip and one
// commit. Nothing is checked and nothing can be asked.
#pragma once

#include <endian.h>

#include <array>

#include "stores.hpp"

namespace bench::durable::raw_postgres {

inline constexpr const char* insert_one =
    "with t as (select gristmill.now_us() as now), kept as ("
    " insert into job (id, okey, run_at, inserted, priority, state, late, kind, queue, key, arguments)"
    " select nextval('job_number'), now, now, now, 0, 2, false, 'noop', 'default', '', $1 from t returning queue)"
    " insert into tally (queue, available) select queue, 1 from kept";
inline constexpr const char* insert_many =
    "with t as (select gristmill.now_us() as now), kept as ("
    " insert into job (id, okey, run_at, inserted, priority, state, late, kind, queue, key, arguments)"
    " select nextval('job_number'), now, now, now, 0, 2, false, 'noop', 'default', '', a from t, unnest($1::bytea[]) a"
    " returning queue)"
    " insert into tally (queue, available) select queue, count(*) from kept group by queue";
inline constexpr const char* claim =
    "with taken as (update job set state = 3, epoch = epoch + 1, worker = 1000000, worker_name = 'raw',"
    " started = now_us(), ended = null where ctid = any (array(select ctid from job where queue = 'default' and state "
    "= 2"
    " and crashes = 0 and not late and okey >= $1 order by okey, id limit $2 for update skip locked)) and state + 0 = 2"
    " returning *), counted as (insert into tally (queue, available, running)"
    " select queue, -count(*), count(*) from taken group by queue)"
    " select id, epoch, okey, kind, arguments from taken";
inline constexpr const char* settle =
    "with gone as (delete from job j using unnest($1::bigint[], $2::bigint[]) f (id, epoch)"
    " where j.id = f.id and j.epoch = f.epoch and j.worker = 1000000 returning j.*), kept as (insert into finished"
    " select id, okey, run_at, inserted, started, epoch, null, timeout, unique_window, attempts + 1, crashes, "
    "interruptions,"
    " priority, 5, 0, orphaned, unique_until, late, cancel_asked, overlapping, has_children, has_steps, progress, "
    "kind, queue,"
    " key, arguments, arguments_type, tags, retry, unique_key, after, worker_name, note, now_us(), null, null from "
    "gone),"
    " counted as (insert into tally (queue, running, completed, ever_completed)"
    " select queue, -count(*), count(*), count(*) from gone group by queue) select count(*) from gone";

inline connection prepared(std::initializer_list<std::pair<const char*, const char*>> list) {
    connection to = connect();
    ask(to.get(),
        "set search_path = gristmill; set enable_seqscan = off; set enable_hashjoin = off;"
        " set enable_mergejoin = off; set enable_bitmapscan = off; set jit = off; set synchronous_commit = on");
    for (const auto& [name, sql] : list)
        check(PQresultStatus(answer(PQprepare(to.get(), name, sql, 0, nullptr)).get()) == PGRES_COMMAND_OK,
              PQerrorMessage(to.get()));
    return to;
}

inline constexpr unsigned bytea = 17, int8 = 20;

// libpq's binary form of numbers and of one-dimensional arrays.
inline void append(std::string& to, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift));
}
inline std::string number(std::int64_t value) {
    std::string made;
    append(made, static_cast<std::uint64_t>(value), 8);
    return made;
}
inline std::string array(unsigned type, const std::vector<std::string>& elements) {
    std::string made;
    for (const std::uint64_t each :
         {std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{type}, std::uint64_t{elements.size()}, std::uint64_t{1}})
        append(made, each, 4);
    for (const std::string& each : elements) {
        append(made, each.size(), 4);
        made += each;
    }
    return made;
}
inline std::int64_t number_in(const PGresult* of, int row, int column) {
    std::uint64_t value = 0;
    std::memcpy(&value, PQgetvalue(of, row, column), 8);
    return static_cast<std::int64_t>(be64toh(value));
}

template <std::size_t N>
struct values {
    explicit values(const std::array<std::string, N>& of) {
        for (std::size_t i = 0; i < N; ++i) {
            data[i] = of[i].data();
            lengths[i] = static_cast<int>(of[i].size());
            formats[i] = 1;
        }
    }
    std::array<const char*, N> data;
    std::array<int, N> lengths, formats;
};

template <std::size_t N>
void send(PGconn* to, const char* name, const std::array<std::string, N>& with) {
    const values<N> v(with);
    check(PQsendQueryPrepared(to, name, N, v.data.data(), v.lengths.data(), v.formats.data(), 1) == 1,
          PQerrorMessage(to));
}

// The rows of the next statement of a pipeline; null at its end.
inline answer next(PGconn* from) {
    answer got(PQgetResult(from));
    if (!got) got.reset(PQgetResult(from));
    const ExecStatusType how = PQresultStatus(got.get());
    if (how == PGRES_PIPELINE_SYNC) return nullptr;
    check(how == PGRES_TUPLES_OK || how == PGRES_COMMAND_OK, PQerrorMessage(from));
    return got;
}

inline void single(const std::string& name) {
    const std::int64_t n = scaled(100'000);
    auto store = open_store();
    commit_count commits(*store);
    std::vector<connection> lines;
    for (int i = 0; i < inserters; ++i) lines.push_back(prepared({{"insert", insert_one}}));
    insert_singly(name, n, [&](int thread) {
        return [to = lines[static_cast<std::size_t>(thread)].get()](std::int64_t at) {
            const values<1> v({arguments_of(at)});
            const answer got(PQexecPrepared(to, "insert", 1, v.data.data(), v.lengths.data(), v.formats.data(), 1));
            check(PQresultStatus(got.get()) == PGRES_COMMAND_OK, PQerrorMessage(to));
        };
    });
    lines.clear();
    commits.report_for(name, std::move(store), n);
}

inline void bulk(const std::string& name) {
    constexpr std::int64_t together = 2'000;
    const std::int64_t n = scaled(100'000);
    open_store();
    const connection to = prepared({{"insert", insert_many}});
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(arguments_of(i));
    timer clock;
    check(PQenterPipelineMode(to.get()) == 1, "no pipeline");
    for (auto from = all.begin(); from != all.end();) {
        const auto end = from + std::min<std::ptrdiff_t>(together, all.end() - from);
        send<1>(to.get(), "insert", {array(bytea, {from, end})});
        from = end;
    }
    PQpipelineSync(to.get());
    while (next(to.get())) {
    }
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
}

inline void drain(const std::string& name, std::int64_t n) {
    constexpr std::int64_t most = 2'000;
    auto store = open_store();
    commit_count commits(*store);
    connection to = prepared({{"claim", claim}, {"settle", settle}});
    std::vector<std::string> ids, epochs;
    std::int64_t done = 0, water = 0;
    timer clock;
    check(PQenterPipelineMode(to.get()) == 1, "no pipeline");
    do {
        const auto held = static_cast<std::int64_t>(ids.size());
        if (held > 0) send<2>(to.get(), "settle", {array(int8, ids), array(int8, epochs)});
        send<2>(to.get(), "claim", {number(water), number(std::min(most, n - done - held))});
        PQpipelineSync(to.get());
        if (held > 0) done += number_in(next(to.get()).get(), 0, 0);
        ids.clear();
        epochs.clear();
        const answer claimed = next(to.get());
        for (int row = 0; row < PQntuples(claimed.get()); ++row) {
            ids.push_back(number(number_in(claimed.get(), row, 0)));
            epochs.push_back(number(number_in(claimed.get(), row, 1)));
            water = std::max(water, number_in(claimed.get(), row, 2));
        }
        check(!next(to.get()), "more than was asked for");
    } while (!ids.empty());
    const double seconds = clock.seconds();
    check(done == n, "not all of them were drained");
    report(name, static_cast<double>(n) / seconds, "jobs/s");
    to.reset();
    commits.report_for(name, std::move(store), n);
}

// Three round trips with a commit each, of all jobs that are due: they are inserted, claimed, finished.
inline void latency(const std::string& name, int rate, std::int64_t n) {
    open_store();
    const connection to = prepared({{"insert", insert_many}, {"claim", claim}, {"settle", settle}});
    const auto ask_for = [&]<std::size_t N>(const char* what, const std::array<std::string, N>& with) {
        const values<N> v(with);
        answer got(PQexecPrepared(to.get(), what, N, v.data.data(), v.lengths.data(), v.formats.data(), 1));
        const ExecStatusType how = PQresultStatus(got.get());
        check(how == PGRES_TUPLES_OK || how == PGRES_COMMAND_OK, PQerrorMessage(to.get()));
        return got;
    };
    std::int64_t water = 0;
    steadily(name, rate, n, [&](std::int64_t from, std::int64_t until) {
        std::vector<std::string> arguments, ids, epochs;
        for (std::int64_t i = from; i < until; ++i) arguments.push_back(arguments_of(i));
        ask_for("insert", std::array{array(bytea, arguments)});
        const answer claimed = ask_for("claim", std::array{number(water), number(until - from)});
        for (int row = 0; row < PQntuples(claimed.get()); ++row) {
            ids.push_back(number(number_in(claimed.get(), row, 0)));
            epochs.push_back(number(number_in(claimed.get(), row, 1)));
            water = std::max(water, number_in(claimed.get(), row, 2));
        }
        const answer done = ask_for("settle", std::array{array(int8, ids), array(int8, epochs)});
        check(number_in(done.get(), 0, 0) == until - from, "not all of them were finished");
    });
}

}  // namespace bench::durable::raw_postgres
