#pragma once
// Stores for the program's tests: an SQLite file of a test's own, or a schema of its own in a PostgreSQL that all tests of a process
// share. GRISTMILL_POSTGRES names a server to use instead.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "program_helpers.hpp"

namespace program_tests {

class postgres_server {
public:
    static postgres_server& shared() {
        static postgres_server one;
        return one;
    }
    postgres_server() {
        if (const char* const given = std::getenv("GRISTMILL_POSTGRES")) {
            url_ = given;
            return;
        }
        const auto lines = script("start fsync=off full_page_writes=off");
        folder_ = lines.at(0);
        url_ = lines.at(1);
    }
    ~postgres_server() {
        if (!folder_.empty()) script("stop " + folder_);
    }
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    std::string fresh_url() {
        return url_ + (url_.find('?') == std::string::npos ? "?" : "&") + "schema=program_" +
               std::to_string(::getpid()) + "_" + std::to_string(++schemas_);
    }

private:
    // The lines that it prints. A server that cannot be had is no reason to pass.
    static std::vector<std::string> script(const std::string& words) {
        const std::string command = GRISTMILL_SERVERS "/postgres " + words;
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        if (!pipe) throw std::runtime_error("cannot run " + command);
        std::vector<std::string> lines;
        std::array<char, 512> line{};
        while (std::fgets(line.data(), line.size(), pipe)) {
            lines.emplace_back(line.data());
            lines.back().pop_back();
        }
        if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
        return lines;
    }

    std::string folder_, url_;
    int schemas_ = 0;
};

// The URL of a store that nobody else uses.
class store_place {
public:
    explicit store_place(std::string_view which)
        : url(which == "sqlite" ? "sqlite:" + folder_ / "jobs.db" : postgres_server::shared().fresh_url()) {}

private:
    const scratch folder_;

public:
    const std::string url;
};

}  // namespace program_tests
