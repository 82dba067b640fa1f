#include <algorithm>
#include <utility>

#include "ledger.hpp"

namespace gm::stores::pg {

using namespace jobs;

result<std::vector<settled>, store_error> ledger::note(std::span<const job_note> notes) {
    if (notes.empty()) return std::vector<settled>();
    array_parameter ids, epochs, progresses, texts, logs;
    const auto optional = [](array_parameter& to, const std::string& text) {
        if (text.empty())
            to.null();
        else
            to.add(std::string_view(text));
    };
    for (const job_note& each : notes) {
        ids.add(each.which.first);
        epochs.add(each.which.second);
        if (each.progress)
            progresses.add(std::clamp(*each.progress, 0.0, 1.0));
        else
            progresses.null();
        optional(texts, each.note);
        optional(logs, each.log);
    }
    const statement one{"select note($1, $2, $3, $4, $5, $6)",
                        parameters()
                            .add(ids, oid::int8_array)
                            .add(epochs, oid::int8_array)
                            .add(progresses, oid::float8_array)
                            .add(texts, oid::bytea_array)
                            .add(logs, oid::bytea_array)
                            .add(static_cast<std::int64_t>(core_->options.limits.log))};
    // Not repeated: a log would have the same lines twice.
    auto answer = core_->lines.run(std::span(&one, 1), repeatable::no);
    if (!answer) return failure(std::move(answer).error().error);
    std::vector<settled> made;
    for (const std::int64_t code : answer->front().numbers(0, 0))
        made.push_back(code == 0 ? settled::yes : settled::refused);
    return made;
}

result<std::vector<step>, store_error> ledger::steps(job_id id) {
    auto found =
        ask("select name, result, result_type from step where job = $1 order by ordinal", parameters().add(id.number));
    if (!found) return failure(std::move(found).error());
    std::vector<step> made;
    for (int row = 0; row < found->count(); ++row)
        made.push_back({found->text(row, 0), {found->text(row, 1), found->text(row, 2)}});
    return made;
}

result<settled, store_error> ledger::put_step(token which, const step& done) {
    const size_limits& limits = core_->options.limits;
    if (done.name.empty() || done.name.size() > limits.name)
        return failure(store_error{store_fault::invalid, "step: its name is empty or too long"});
    if (done.result.bytes.size() > limits.result)
        return failure(store_error{store_fault::invalid, "step '" + done.name + "': its result is too long"});
    auto answer = ask("select put_step($1, $2, $3, $4, $5)", parameters()
                                                                 .add(which.first)
                                                                 .add(which.second)
                                                                 .add(done.name)
                                                                 .add(binary{done.result.bytes})
                                                                 .add(done.result.type));
    if (!answer) return failure(std::move(answer).error());
    return answer->flag(0, 0) ? settled::yes : settled::refused;
}

}  // namespace gm::stores::pg
