#include "program/run/records.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

namespace {

using namespace gm::program;
using strings = std::vector<std::string>;

input_source values(strings of, bool linked = false) {
    return {.values = std::move(of), .file = {}, .is_file = false, .linked = linked};
}

struct file {
    explicit file(std::string_view text) {
        std::string made = (std::filesystem::temp_directory_path() / "gm-records-XXXXXX").string();
        ::close(::mkstemp(made.data()));
        name = made;
        std::ofstream(name, std::ios::binary) << text;
    }
    ~file() { std::filesystem::remove(name); }
    input_source source(bool linked = false) const {
        return {.values = {}, .file = name, .is_file = true, .linked = linked};
    }
    std::string name;
};

std::string all(std::vector<input_source> sources, const input_options& how = {}) {
    auto input = argument_tuples::open(std::move(sources), how, -1);
    if (!input) return input.error();
    std::string text;
    strings tuple;
    while (input->next(tuple) == argument_tuples::status::record) {
        for (const std::string& one : tuple) text += '<' + one + '>';
        text += ' ';
    }
    for (const std::string& name : input->names()) text += '#' + name;
    return text + input->error() + (input->saw_nul() ? "NUL" : "");
}

TEST(records, the_last_source_runs_fastest) {
    EXPECT_EQ(all({values({"a", "b"}), values({"1", "2"})}), "<a><1> <a><2> <b><1> <b><2> ");
    EXPECT_EQ(all({values({"a"}), values({}), values({"1"})}), "");
    EXPECT_EQ(all({values({"a", "b"}), values({"x"}), values({"1", "2"})}), "<a><x><1> <a><x><2> <b><x><1> <b><x><2> ");
}

TEST(records, linked_sources_go_in_step) {
    EXPECT_EQ(all({values({"a", "b", "c"}), values({"1", "2"}, true)}), "<a><1> <b><2> ");
    EXPECT_EQ(all({values({"x", "y"}), values({"a", "b"}), values({"1", "2"}, true)}),
              "<x><a><1> <x><b><2> <y><a><1> <y><b><2> ");
    EXPECT_EQ(all({values({"a", "b", "c"}), values({"1", "2"})}, {.link = true}), "<a><1> <b><2> <c><1> ");
    EXPECT_EQ(all({values({"a", "b"}), values({})}, {.link = true}), "");
}

TEST(records, lines_of_files) {
    EXPECT_EQ(all({file("a b\n\nlast").source()}), "<a b> <> <last> ");
    EXPECT_EQ(all({file("a b\n\nlast\n").source()}, {.skip_empty = true}), "<a b> <last> ");
    EXPECT_EQ(all({file("").source()}), "");
    EXPECT_EQ(all({file(std::string_view("a\nb\0c\0", 6)).source()}, {.delimiter = '\0'}), "<a\nb> <c> ");
    EXPECT_EQ(all({file("a,b,,c").source()}, {.delimiter = ','}), "<a> <b> <> <c> ");
    EXPECT_EQ(all({file(std::string_view("a\0b\n", 4)).source()}), "<a\\0b> NUL");
    EXPECT_EQ(all({file("x\ny\n").source(), file("1\n2\n").source(true)}), "<x><1> <y><2> ");
    EXPECT_EQ(all({{.values = {}, .file = "/no/such", .is_file = true}}), "/no/such: No such file or directory");
    EXPECT_EQ(all({{.values = {}, .file = "/", .is_file = true}}), "/: Is a directory");
}

TEST(records, a_record_may_be_longer_than_any_buffer) {
    const std::string large(300'000, 'x');
    EXPECT_EQ(all({file(large + "\nshort\n" + large).source()}), "<" + large + "> <short> <" + large + "> ");
}

TEST(records, columns_are_split_at_an_expression) {
    EXPECT_EQ(all({values({"a,b", "c", ",d,"})}, {.columns = ","}), "<a><b> <c> <><d><> ");
    EXPECT_EQ(all({values({"a  b c"})}, {.columns = " +"}), "<a><b><c> ");
    EXPECT_EQ(all({values({"a\tb"})}, {.columns = "\\t"}), "<a><b> ");
    EXPECT_EQ(all({values({"a12b"})}, {.columns = "\\d+"}), "<a><b> ");
    EXPECT_EQ(all({values({"abc"})}, {.columns = "x*"}), "<abc> ");  // what matches nothing separates nothing
    EXPECT_TRUE(all({values({"a"})}, {.columns = "("}).starts_with("'(': "));
}

TEST(records, the_header_names_the_columns) {
    EXPECT_EQ(all({values({"n,m", "1,2"})}, {.columns = ",", .header = true}), "<1><2> #n#m");
    EXPECT_EQ(all({values({"a", "1"}), values({"b", "2"})}, {.header = true}), "<1><2> #a#b");
}

TEST(records, reading_ends_when_it_is_told_to) {
    int stop[2], input[2];
    ASSERT_EQ(::pipe(stop), 0);
    ASSERT_EQ(::pipe(input), 0);
    record_reader reader({}, input[0], '\n', stop[0]);
    std::string record;
    ASSERT_EQ(::write(input[1], "one\ntwo", 7), 7);
    EXPECT_EQ(reader.next(record), record_reader::status::record);
    EXPECT_EQ(record, "one");
    std::thread later([&] { EXPECT_EQ(::write(stop[1], "x", 1), 1); });
    EXPECT_EQ(reader.next(record), record_reader::status::stopped);
    later.join();
    for (const int fd : {stop[0], stop[1], input[0], input[1]}) ::close(fd);
}

}  // namespace
