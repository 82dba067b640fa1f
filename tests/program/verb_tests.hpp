#pragma once
// The verbs that ask a store and steer it, as a user runs them: a store, its jobs, and a crew that claims and settles as the test says.

#include <memory>
#include <regex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/client.hpp>
#include <gristmill/stores/open.hpp>

#include "store_places.hpp"

namespace program_tests {

using strings = std::vector<std::string>;

// Times differ from run to run.
inline std::string without_times(const std::string& text) {
    static const std::regex time("\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z\"");
    return std::regex_replace(text, time, "TIME");
}

class verb_tests : public testing::Test {
protected:
    explicit verb_tests(const char* which) : place_(which) {
        auto opened = gm::stores::open(place_.url);
        if (!opened) throw std::runtime_error(opened.error().what);
        store_ = *std::move(opened);
    }

    strings words(strings of) const {
        of.insert(of.begin(), GRISTMILL_PROGRAM);
        of.insert(of.begin() + 2, {"--store", place_.url});
        return of;
    }
    answer ask(strings of, std::string_view input = {}) const { return running(words(std::move(of))).wait(input); }

    gm::jobs::job_id put(gm::jobs::new_job job) {
        auto done = gm::jobs::client(*store_).insert(std::move(job));
        if (!done) throw std::runtime_error(done.error().what);
        return done->id;
    }
    gm::jobs::job_id put_mail(const std::string& to) {
        return put({.kind = "mail", .arguments = {"{\"to\":\"" + to + "\"}", {}}, .queue = "letters"});
    }
    std::string number(gm::jobs::job_id id) const { return std::to_string(id.number); }

    gm::jobs::source& crew(const std::string& name = "crew", strings queues = {"letters"}) {
        if (!crew_) {
            auto made = store_->subscribe({.queues = std::move(queues), .worker = name});
            if (!made) throw std::runtime_error(made.error().what);
            crew_ = *std::move(made);
            if (!crew_->beat({})) throw std::runtime_error("no beat");
        }
        return *crew_;
    }
    // The token of a job that is claimed now; it has to be the next one.
    gm::jobs::token claim(gm::jobs::job_id id) {
        auto got = crew().exchange({}, {.idle = 1});
        if (!got || got->jobs.size() != 1 || got->jobs[0].id != id) throw std::runtime_error("not claimed");
        return got->jobs[0].which;
    }
    void settle(gm::jobs::settlement how) {
        const auto done = crew().exchange(std::span(&how, 1), {});
        if (!done || done->outcomes[0] != gm::jobs::settled::yes) throw std::runtime_error("not settled");
    }
    gm::jobs::job_id put_dead(const std::string& to, const std::string& error) {
        const gm::jobs::job_id id = put_mail(to);
        settle({.which = claim(id), .what = gm::jobs::verdict::dead, .error = error});
        return id;
    }
    gm::jobs::state state_of(gm::jobs::job_id id) { return store_->ledger()->find(id).value().value().state; }

    const store_place place_;
    std::unique_ptr<gm::jobs::store> store_;
    std::unique_ptr<gm::jobs::source> crew_;
};

class verbs : public verb_tests, public testing::WithParamInterface<const char*> {
protected:
    verbs() : verb_tests(GetParam()) {}
};

// What a store has no part in.
class verbs_on_a_file : public verb_tests {
protected:
    verbs_on_a_file() : verb_tests("sqlite") {}
};

}  // namespace program_tests
