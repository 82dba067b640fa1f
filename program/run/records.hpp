#pragma once
// Where arguments come from: lists on the command line, files, standard input; and in which combinations. Input is a stream: what has been
// read can be run while the rest is still to come.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::program {

// One ::: or :::: of the command line.
struct input_source {
    std::vector<std::string> values;
    std::string file;  // instead of values; "-" is standard input
    bool is_file = false;
    bool linked = false;  // :::+ and ::::+: goes in step with the source before it
};

struct input_options {
    char delimiter = '\n';
    std::string columns{};  // what separates columns: a regular expression; empty: there are none
    bool header = false;    // the first record names the columns
    bool link = false;      // all sources go in step, the shorter ones start again
    bool skip_empty = false;
};

// Splits at a POSIX extended regular expression, or, if that is one plain character, at that.
class column_splitter {
public:
    static result<column_splitter, std::string> make(const std::string& expression);
    void split(const std::string& record, std::vector<std::string>& into) const;

private:
    struct compiled;
    std::shared_ptr<const compiled> expression_;  // shared by copies: it is never changed
    char single_ = '\0';
};

// Records of a descriptor.
class record_reader {
public:
    enum class status { record, end, stopped, failed };

    // When `stop` becomes readable, reading ends.
    record_reader(kinds::exec::unique_fd owned, int fd, char delimiter, int stop);

    status next(std::string& record);
    int error() const noexcept { return error_; }

private:
    status fill();

    kinds::exec::unique_fd owned_;
    int fd_;
    char delimiter_;
    int stop_;
    std::string room_;
    std::size_t at_ = 0;
    bool ended_ = false;
    int error_ = 0;
};

// Where the lines of a run come from, each a tuple of arguments.
class tuple_source {
public:
    using status = record_reader::status;

    virtual ~tuple_source() = default;
    virtual status next(std::vector<std::string>& tuple) = 0;
    // What is wrong, when next() has failed.
    virtual const std::string& error() const noexcept = 0;
    virtual bool saw_nul() const noexcept = 0;
};

// Tuples in GNU parallel's order: the last source runs fastest.
class argument_tuples final : public tuple_source {
public:
    // The error says which file cannot be opened, or what is wrong with the expression. A header is read in open().
    static result<argument_tuples, std::string> open(std::vector<input_source> sources, const input_options& how,
                                                     int stop);

    const std::vector<std::string>& names() const noexcept { return names_; }
    bool saw_nul() const noexcept override { return saw_nul_; }
    const std::string& error() const noexcept override { return error_; }

    status next(std::vector<std::string>& tuple) override;

private:
    struct stream {
        std::string file;  // or values
        std::optional<record_reader> reader;
        std::vector<std::string> values;
        std::size_t at = 0;
    };
    using tuple_list = std::vector<std::vector<std::string>>;
    using group = std::vector<stream>;  // goes in step

    std::string add(input_source&& source, int stop);
    status read_header();
    status read(stream& from, std::vector<std::string>& tuple);
    status read_group(group& from, std::vector<std::string>& tuple);
    status load(group& from, tuple_list& into);
    status load_cycling(group& from, tuple_list& into);
    status begin();
    status next_outer();

    input_options how_;
    std::optional<column_splitter> columns_;
    std::vector<group> groups_;
    std::vector<std::string> names_;
    // The first group is the outermost loop and is read as it comes; the others have to be in memory.
    std::vector<tuple_list> inner_;
    std::vector<std::size_t> turn_;     // of each inner group
    std::vector<std::string> outer_;    // the tuple of the first group that the inner ones go round with
    std::optional<tuple_list> cycled_;  // the first group, if it had to be loaded
    std::size_t cycle_at_ = 0;
    bool begun_ = false;
    bool saw_nul_ = false;
    std::string error_;
};

}  // namespace gm::program
