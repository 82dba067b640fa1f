#include "program/run/records.hpp"

#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gm::program {

namespace {

using status = record_reader::status;

constexpr std::size_t chunk = 64 * 1024;
constexpr std::string_view special_in_expressions = "\\^$.[]|()?*+{}";

// GNU parallel's expressions are Perl's: what of it people use for columns means the same here.
std::string posix_expression(const std::string& perl) {
    std::string all;
    for (std::size_t i = 0; i < perl.size(); ++i) {
        if (perl[i] != '\\' || i + 1 == perl.size()) {
            all += perl[i];
            continue;
        }
        switch (perl[++i]) {
            case 't': all += '\t'; break;
            case 'n': all += '\n'; break;
            case 'd': all += "[0-9]"; break;
            default: all += {'\\', perl[i]};
        }
    }
    return all;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\n\r\f\v") == std::string::npos; }

}  // namespace

struct column_splitter::compiled {
    regex_t it{};
    bool made = false;
    ~compiled() {
        if (made) ::regfree(&it);
    }
};

result<column_splitter, std::string> column_splitter::make(const std::string& expression) {
    column_splitter one;
    const std::string text = posix_expression(expression);
    if (text.size() == 1 && special_in_expressions.find(text[0]) == std::string_view::npos) {
        one.single_ = text[0];
        return one;
    }
    const auto made = std::make_shared<compiled>();
    if (const int wrong = ::regcomp(&made->it, text.c_str(), REG_EXTENDED)) {
        char why[200];
        ::regerror(wrong, &made->it, why, sizeof(why));
        return failure("'" + expression + "': " + why);
    }
    made->made = true;
    one.expression_ = made;
    return one;
}

void column_splitter::split(const std::string& record, std::vector<std::string>& into) const {
    std::size_t begin = 0;
    if (!expression_) {
        for (std::size_t end; (end = record.find(single_, begin)) != std::string::npos; begin = end + 1)
            into.push_back(record.substr(begin, end - begin));
    } else {
        regmatch_t found{};
        // A match of nothing would separate every two characters; it separates none.
        for (std::size_t from = 0; from <= record.size() && ::regexec(&expression_->it, record.c_str() + from, 1,
                                                                      &found, from == 0 ? 0 : REG_NOTBOL) == 0;) {
            const auto start = from + static_cast<std::size_t>(found.rm_so);
            const auto end = from + static_cast<std::size_t>(found.rm_eo);
            if (end == start) {
                from = end + 1;
                continue;
            }
            into.push_back(record.substr(begin, start - begin));
            begin = from = end;
        }
    }
    into.push_back(record.substr(begin));
}

record_reader::record_reader(kinds::exec::unique_fd owned, int fd, char delimiter, int stop)
    : owned_(std::move(owned)), fd_(fd), delimiter_(delimiter), stop_(stop) {}

status record_reader::fill() {
    room_.erase(0, std::exchange(at_, 0));
    while (true) {
        pollfd wanted[] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
        if (::poll(wanted, stop_ >= 0 ? 2 : 1, -1) < 0) continue;  // only EINTR
        if (stop_ >= 0 && wanted[1].revents != 0) return status::stopped;
        const std::size_t before = room_.size();
        room_.resize(before + chunk);
        const ssize_t got = ::read(fd_, room_.data() + before, chunk);
        const int why = errno;
        room_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got > 0) return status::record;
        if (got == 0) return status::end;
        if (why == EINTR || why == EAGAIN) continue;
        error_ = why;
        return status::failed;
    }
}

status record_reader::next(std::string& record) {
    std::size_t looked = at_;
    while (true) {
        const std::size_t end = room_.find(delimiter_, looked);
        if (end != std::string::npos) {
            record.assign(room_, at_, end - at_);
            at_ = end + 1;
            return status::record;
        }
        looked = room_.size() - at_;  // where it will be after fill()
        const status got = ended_ ? status::end : fill();
        if (got == status::end) {
            ended_ = true;
            if (at_ == room_.size()) return status::end;
            record = room_.substr(at_);
            at_ = room_.size();
            return status::record;
        }
        if (got != status::record) return got;
    }
}

std::string argument_tuples::add(input_source&& source, int stop) {
    stream one;
    if (source.is_file) {
        kinds::exec::unique_fd file;
        if (source.file != "-") {
            file.reset(::open(source.file.c_str(), O_RDONLY | O_CLOEXEC));
            if (!file) return source.file + ": " + std::strerror(errno);
        }
        const int fd = file ? file.get() : STDIN_FILENO;
        one.file = std::move(source.file);
        one.reader.emplace(std::move(file), fd, how_.delimiter, stop);
    } else {
        one.values = std::move(source.values);
    }
    if (groups_.empty() || !(source.linked || how_.link)) groups_.emplace_back();
    groups_.back().push_back(std::move(one));
    return {};
}

result<argument_tuples, std::string> argument_tuples::open(std::vector<input_source> sources, const input_options& how,
                                                           int stop) {
    argument_tuples made;
    made.how_ = how;
    if (!how.columns.empty()) {
        auto splitter = column_splitter::make(how.columns);
        if (!splitter) return failure(splitter.error());
        made.columns_ = std::move(*splitter);
    }
    for (input_source& source : sources)
        if (std::string wrong = made.add(std::move(source), stop); !wrong.empty()) return failure(std::move(wrong));
    if (how.header && made.read_header() == status::failed) return failure(made.error_);
    return made;
}

status argument_tuples::read_header() {
    for (group& one : groups_)
        for (stream& from : one)
            if (const status got = read(from, names_); got == status::failed) return got;
    return status::record;
}

status argument_tuples::read(stream& from, std::vector<std::string>& tuple) {
    std::string record;
    do {
        if (from.reader) {
            const status got = from.reader->next(record);
            if (got == status::failed) error_ = from.file + ": " + std::strerror(from.reader->error());
            if (got != status::record) return got;
        } else {
            if (from.at == from.values.size()) return status::end;
            record = from.values[from.at++];
        }
    } while (how_.skip_empty && is_blank(record));
    if (record.find('\0') != std::string::npos) {  // no argument can hold it
        saw_nul_ = true;
        for (std::size_t at; (at = record.find('\0')) != std::string::npos;) record.replace(at, 1, "\\0");
    }
    if (columns_)
        columns_->split(record, tuple);
    else
        tuple.push_back(std::move(record));
    return status::record;
}

status argument_tuples::read_group(group& from, std::vector<std::string>& tuple) {
    for (stream& one : from)
        if (const status got = read(one, tuple); got != status::record) return got;
    return status::record;
}

status argument_tuples::load(group& from, tuple_list& into) {
    while (true) {
        std::vector<std::string> tuple;
        const status got = read_group(from, tuple);
        if (got == status::end) return status::record;
        if (got != status::record) return got;
        into.push_back(std::move(tuple));
    }
}

// --link: as many as the longest has; the others start again.
status argument_tuples::load_cycling(group& from, tuple_list& into) {
    std::vector<tuple_list> each;
    std::size_t longest = 0;
    for (stream& one : from) {
        group alone;
        alone.push_back(std::move(one));
        if (const status got = load(alone, each.emplace_back()); got != status::record) return got;
        if (each.back().empty()) return status::record;  // nothing to go in step with
        longest = std::max(longest, each.back().size());
    }
    for (std::size_t i = 0; i < longest; ++i) {
        auto& tuple = into.emplace_back();
        for (const tuple_list& list : each) {
            const auto& part = list[i % list.size()];
            tuple.insert(tuple.end(), part.begin(), part.end());
        }
    }
    return status::record;
}

status argument_tuples::begin() {
    begun_ = true;
    if (how_.link && groups_[0].size() > 1)
        if (const status got = load_cycling(groups_[0], cycled_.emplace()); got != status::record) return got;
    for (std::size_t i = 1; i < groups_.size(); ++i)
        if (const status got = load(groups_[i], inner_.emplace_back()); got != status::record) return got;
    turn_.assign(inner_.size(), 0);
    const bool nothing = std::ranges::any_of(inner_, [](const tuple_list& one) { return one.empty(); });
    return nothing ? status::end : next_outer();
}

status argument_tuples::next_outer() {
    outer_.clear();
    if (!cycled_) return read_group(groups_[0], outer_);
    if (cycle_at_ == cycled_->size()) return status::end;
    outer_ = (*cycled_)[cycle_at_++];
    return status::record;
}

status argument_tuples::next(std::vector<std::string>& tuple) {
    tuple.clear();
    if (!begun_) {
        if (const status got = begin(); got != status::record) return got;
    } else {
        std::size_t i = inner_.size();
        while (i > 0 && ++turn_[i - 1] == inner_[i - 1].size()) turn_[--i] = 0;
        if (i == 0)
            if (const status got = next_outer(); got != status::record) return got;
    }
    tuple = outer_;
    for (std::size_t i = 0; i < inner_.size(); ++i)
        tuple.insert(tuple.end(), inner_[i][turn_[i]].begin(), inner_[i][turn_[i]].end());
    return status::record;
}

}  // namespace gm::program
