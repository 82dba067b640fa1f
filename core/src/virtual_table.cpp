#include <gristmill/dry_run.hpp>

#include <algorithm>
#include <cstdio>

namespace gm {

void dry_run::begin(std::size_t workers) {
    const time_point start = now();
    detail::lock_guard hold(guard_);
    events_.clear();
    workers_ = workers;
    start_ = start;
    begun_ = true;
}

void dry_run::mark(kind what, std::size_t worker, std::string job) {
    const time_point when = now();
    detail::lock_guard hold(guard_);
    if (!begun_) start_ = when;
    begun_ = true;
    events_.push_back({when, what, worker, std::move(job)});
    if (worker != nobody) workers_ = std::max(workers_, worker + 1);
}

// Rows of cells: time, queue, a cell for each worker, remarks.
struct dry_run::painter {
    using row = std::vector<std::string>;

    explicit painter(std::size_t workers) : doing(workers, "Idle") {}

    void paint(const std::string& time) {
        row cells{time, "["};
        for (const std::string& each : queue) cells[1] += (cells[1].size() > 1 ? "," : "") + each;
        cells[1] += ']';
        cells.insert(cells.end(), doing.begin(), doing.end());
        cells.push_back(std::move(remarks));
        remarks.clear();
        rows.push_back(std::move(cells));
        for (std::string& each : doing)
            if (each.starts_with("Done")) each = "Idle";  // for the next row, unless it begins something
    }

    void apply(const event& each) {
        switch (each.what) {
            case kind::queued: queue.push_back(each.job); break;
            case kind::finished: doing[each.worker] = "Done (" + each.job + ")"; break;
            case kind::started: {
                const auto found = std::find(queue.begin(), queue.end(), each.job);
                if (found != queue.end()) queue.erase(found);
                doing[each.worker] = "Job " + each.job;
                break;
            }
            case kind::note: remarks += (remarks.empty() ? "" : " ") + each.job; break;
        }
    }

    std::vector<std::string> queue;
    std::vector<std::string> doing;
    std::string remarks;
    std::vector<row> rows;
};

namespace {

std::string seconds(std::chrono::nanoseconds since) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(since).count());
    std::string trimmed(text);
    trimmed.erase(trimmed.find_last_not_of('0') + 1);
    if (trimmed.back() == '.') trimmed.pop_back();
    return trimmed + "s";
}

std::string layout(const std::vector<std::vector<std::string>>& rows, std::size_t columns) {
    std::vector<std::size_t> width(columns, 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i != columns; ++i) width[i] = std::max(width[i], row[i].size());
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i != columns; ++i)
            text += "| " + row[i] + std::string(width[i] - row[i].size() + 1, ' ');
        text += "|\n";
        if (&row != &rows.front()) continue;
        for (std::size_t i = 0; i != columns; ++i) text += '|' + std::string(width[i] + 2, '-');
        text += "|\n";
    }
    return text;
}

}  // namespace

std::string dry_run::text() const {
    detail::lock_guard hold(guard_);
    painter paint(workers_);
    std::vector<std::string> head{"Time", "Jobs queue"};
    for (std::size_t i = 1; i <= workers_; ++i) head.push_back("Worker " + std::to_string(i));
    head.emplace_back("Remarks");
    paint.rows.push_back(std::move(head));

    // A moment: rounds of what a worker finishes, then of what it begins, until all of it has been shown.
    std::vector<bool> shown(events_.size(), false);
    for (std::size_t first = 0; first != events_.size();) {
        std::size_t last = first;
        while (last != events_.size() && events_[last].when - events_[first].when < std::chrono::milliseconds(1))
            ++last;
        const std::string time = seconds(events_[first].when - start_);
        for (std::size_t left = last - first; left != 0;) {
            for (const bool beginnings : {false, true}) {
                std::vector<bool> passed(workers_, false);  // workers with something else to show first
                bool changed = false;
                for (std::size_t i = first; i != last; ++i) {
                    const event& each = events_[i];
                    if (shown[i]) continue;
                    const bool worked = each.worker != nobody;
                    if (worked && passed[each.worker]) continue;
                    if (worked) passed[each.worker] = true;
                    if ((each.what == kind::started) != beginnings) continue;
                    paint.apply(each);
                    shown[i] = changed = true;
                    --left;
                }
                if (changed) paint.paint(time);
            }
        }
        first = last;
    }
    const bool remarks =
        std::any_of(events_.begin(), events_.end(), [](const event& e) { return e.what == kind::note; });
    return layout(paint.rows, workers_ + (remarks ? 3 : 2));
}

}  // namespace gm
