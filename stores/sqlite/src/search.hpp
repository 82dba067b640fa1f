#pragma once
// Which jobs meet a filter. Its conditions are put together out of literals; every value is bound.

#include <vector>

#include <gristmill/jobs/ledger.hpp>

#include "connection.hpp"

namespace gm::stores::sqlite {

// Their ids, in the order of the page.
std::vector<jobs::job_id> search(connection& in, const jobs::filter& which, const jobs::page& part);
std::uint64_t count(connection& in, const jobs::filter& which);

}  // namespace gm::stores::sqlite
