// What the store itself allows: the same durable work in our own schema by hand-written statements and nothing around them. A
// figure of ours means something as a share of this one, in the same run.
#include "raw_postgres.hpp"
#include "raw_sqlite.hpp"

namespace {

using namespace bench;
using namespace bench::durable;

void single(const std::string& name) { scheme() == "sqlite" ? raw_sqlite::single(name) : raw_postgres::single(name); }
void bulk(const std::string& name) { scheme() == "sqlite" ? raw_sqlite::bulk(name) : raw_postgres::bulk(name); }
void drain(const std::string& name, std::int64_t n) {
    scheme() == "sqlite" ? raw_sqlite::drain(name, n) : raw_postgres::drain(name, n);
}

void latency(const std::string& name, int rate, std::int64_t n) {
    scheme() == "sqlite" ? raw_sqlite::latency(name, rate, n) : raw_postgres::latency(name, rate, n);
}

void drain_all(const std::string& name) {
    const std::int64_t n = scaled(200'000);
    fill(*open_store(), n);
    drain(name, n);
}

void waiting(const std::string& name) {
    const std::int64_t n = scaled(200'000);
    fill(*open_store(), n + backlog(1'000'000));
    drain(name, n);
}

void finished(const std::string& name) {
    finish(backlog(1'000'000));
    drain_all(name);
}

}  // namespace

int main(int argc, char** argv) {
    if (scheme() == "memory") not_available("a map and a lock: there is nothing below it");
    return run(argc, argv,
               {{"D1/single", single},
                {"D1/bulk", bulk},
                {"D2/drain", drain_all},
                {"D3/200", [](const std::string& name) { latency(name, 200, scaled(2'000)); }},
                {"D3/2000", [](const std::string& name) { latency(name, 2'000, scaled(10'000)); }},
                {"D4/waiting", waiting},
                {"D4/finished", finished}});
}
