#include "search.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <variant>

#include <gristmill/jobs/detail/counted.hpp>

#include "codec.hpp"

namespace gm::stores::sqlite {

using jobs::filter;
using jobs::job_id;
using jobs::state;

namespace {

enum class table : std::uint8_t { hot, finished };

std::string ids_as_json(const std::vector<job_id>& ids) {
    std::string text = "[";
    for (const job_id id : ids) {
        if (text.size() > 1) text += ',';
        text += std::to_string(id.number);
    }
    return text + "]";
}

// The WHERE of one table, and its values in their order. A name that nobody knows (a kind, a queue) is a NULL there, which
// nothing is equal to.
class conditions {
public:
    conditions(const filter& which, table of) : which_(which) {
        if (!which.ids.empty()) add("id IN (SELECT value FROM json_each(?))", ids_as_json(which.ids));
        if (!which.states.empty()) add_states(of);
        if (!which.queue.empty()) add("queue = (SELECT number FROM gm_queues WHERE name = ?)", which.queue);
        if (!which.kind.empty()) add("kind = (SELECT number FROM gm_names WHERE name = ?)", which.kind);
        if (!which.key.empty()) add("key = ?", which.key);
        if (!which.tag.empty()) add("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", which.tag);
        if (!which.worker.empty()) add_worker(of);
        if (!which.text.empty()) add_text();
        add_time("inserted < ?", which.inserted_before);
        add_time("inserted > ?", which.inserted_after);
        if (of == table::finished) {
            add_time("finished < ?", which.finished_before);
            add_time("finished > ?", which.finished_after);
        } else if (which.finished_before || which.finished_after) {
            impossible_ = true;
        }
    }

    bool impossible() const noexcept { return impossible_; }
    void also(const char* condition, std::int64_t with) { add(condition, with); }
    const std::string& text() const noexcept { return text_; }
    void bind_to(query& to) const {
        for (const value& one : values_) std::visit([&](const auto& each) { to.bind_next(each); }, one);
    }

private:
    using value = std::variant<std::string, std::int64_t, blob>;

    void add(const char* condition, value with) {
        add(condition);
        values_.push_back(std::move(with));
    }
    void add(const std::string& condition) {
        text_ += text_.empty() ? " WHERE " : " AND ";
        text_ += condition;
    }

    void add_states(table of) {
        std::string among;
        for (const state each : which_.states)
            if (is_over(each) == (of == table::finished))
                among += (among.empty() ? "" : ", ") + std::to_string(static_cast<int>(each));
        if (among.empty()) impossible_ = true;
        add("state IN (" + among + ")");  // numbers of ours
    }

    void add_worker(table of) {
        if (of == table::finished) return add("ran_by = (SELECT number FROM gm_names WHERE name = ?)", which_.worker);
        add("iif(state = 3, id IN (SELECT job FROM gm_running WHERE ran_by = (SELECT number FROM gm_names WHERE name = "
            "?)),"
            " ran_by = (SELECT number FROM gm_names WHERE name = ?))",
            which_.worker);
        values_.emplace_back(which_.worker);
    }

    void add_text() {
        add("(instr(arguments, ?) > 0 OR instr(CAST((SELECT error FROM gm_attempts WHERE job = id ORDER BY epoch DESC "
            "LIMIT 1)"
            " AS BLOB), ?) > 0)",
            blob{which_.text});
        values_.emplace_back(blob{which_.text});
    }

    void add_time(const char* condition, const std::optional<jobs::wall_time>& at) {
        if (at) add(condition, micros_of(*at));
    }

    const filter& which_;
    std::string text_;
    std::vector<value> values_;
    bool impossible_ = false;
};

void search_in(connection& in, table of, const filter& which, const jobs::page& part, std::vector<job_id>& found) {
    conditions where(which, of);
    if (where.impossible()) return;
    const bool back = part.by == jobs::order::newest_first;
    if (part.beyond) where.also(back ? "id < ?" : "id > ?", part.beyond.number);
    query asking = in.ask(in.kept(std::string("SELECT id FROM ") + (of == table::hot ? "gm_jobs" : "gm_finished") +
                                  where.text() + (back ? " ORDER BY id DESC LIMIT ?" : " ORDER BY id LIMIT ?")));
    where.bind_to(asking);
    asking.bind_next(static_cast<std::int64_t>(std::min<std::size_t>(part.most, 1'000'000'000)));
    while (asking.step()) found.push_back({asking.integer(0)});
}

std::uint64_t counted(connection& in, const filter& which) {
    query asking = in.ask(
        "SELECT sum(waiting), sum(scheduled), sum(available), sum(running), sum(retrying), sum(completed), "
        "sum(cancelled),"
        " sum(dead) FROM gm_queues WHERE ?1 = '' OR name = ?1",
        which.queue);
    if (!asking.step()) return 0;
    std::uint64_t sum = 0;
    for (int i = 0; i != jobs::states; ++i)
        if (which.states.empty() || std::ranges::find(which.states, static_cast<state>(i)) != which.states.end())
            sum += static_cast<std::uint64_t>(asking.integer(i));
    return sum;
}

}  // namespace

std::vector<job_id> search(connection& in, const filter& which, const jobs::page& part) {
    std::vector<job_id> found;
    if (part.most == 0) return found;
    std::vector<job_id> hot, over;
    search_in(in, table::hot, which, part, hot);
    search_in(in, table::finished, which, part, over);
    const bool back = part.by == jobs::order::newest_first;
    std::ranges::merge(hot, over, std::back_inserter(found),
                       [back](job_id a, job_id b) { return back ? a > b : a < b; });
    if (found.size() > part.most) found.resize(part.most);
    return found;
}

std::uint64_t count(connection& in, const filter& which) {
    if (jobs::detail::is_counted(which)) return counted(in, which);
    std::uint64_t sum = 0;
    for (const table of : {table::hot, table::finished}) {
        const conditions where(which, of);
        if (where.impossible()) continue;
        query asking = in.ask(in.kept(std::string("SELECT count(*) FROM ") +
                                      (of == table::hot ? "gm_jobs" : "gm_finished") + where.text()));
        where.bind_to(asking);
        if (asking.step()) sum += static_cast<std::uint64_t>(asking.integer(0));
    }
    return sum;
}

}  // namespace gm::stores::sqlite
