#include "filter.hpp"

#include <optional>

#include "encode.hpp"

namespace gm::stores::pg {

parameters filter_parameters(const jobs::filter& which) {
    parameters to;
    const auto text = [&](const std::string& value) {
        if (value.empty())
            to.null(oid::text);
        else
            to.add(value);
    };
    const auto time = [&](const std::optional<jobs::wall_time>& value) {
        if (value)
            to.add(us(*value));
        else
            to.null(oid::int8);
    };
    if (which.ids.empty()) {
        to.null(oid::int8_array);
    } else {
        array_parameter ids;
        for (const jobs::job_id id : which.ids) ids.add(id.number);
        to.add(ids, oid::int8_array);
    }
    if (which.states.empty()) {
        to.null(oid::int2_array);
    } else {
        array_parameter states;
        for (const jobs::state each : which.states) states.add(static_cast<std::int16_t>(each));
        to.add(states, oid::int2_array);
    }
    text(which.queue);
    text(which.kind);
    text(which.key);
    text(which.tag);
    text(which.worker);
    if (which.text.empty())
        to.null(oid::bytea);
    else
        to.add(binary{which.text});
    time(which.inserted_before);
    time(which.inserted_after);
    time(which.finished_before);
    time(which.finished_after);
    return to;
}

}  // namespace gm::stores::pg
