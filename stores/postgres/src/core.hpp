#pragma once
// What the store, its ledger and its sources share. A source keeps it alive.

#include <gristmill/stores/postgres.hpp>

#include "bells.hpp"
#include "insert.hpp"
#include "line.hpp"
#include "schema.hpp"

namespace gm::stores::pg {

struct core {
    core(settings how, const postgres_options& with)
        : options(with),
          ours(this_program()),
          server(std::move(how)),
          lines(server, pause, std::max<std::size_t>(with.connections, 1)),
          inserts(lines, with.patience, with.limits),
          hearing(ear_of(server, with), lines) {}

    static settings ear_of(settings same, const postgres_options& with) {
        if (!with.notify_url.empty()) same.url = with.notify_url;
        return same;
    }

    const postgres_options options;
    const program ours;
    const settings server;
    backoff pause;
    line_pool lines;
    inserter inserts;
    bells hearing;
};

}  // namespace gm::stores::pg
