// kill_storm --store URL --seconds N: kills workers and enqueuers at random, freezes some for longer than their lease (and kills
// a PostgreSQL server of its own), while jobs write down what happens to them. Then what is left is run in peace, and every job
// is accounted for:
//
//     accounted X of Y, lost 0, finished twice 0, slots leaked 0, started after its finish 0, two owners 0, unexplained reruns 0
//
// URL may be "sqlite" or "postgres": a file in a temporary folder, or a server that is started for it and killed as well.

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/stores/open.hpp>

#include "faults/audit.hpp"
#include "faults/roles.hpp"

extern char** environ;

namespace {

namespace jobs = gm::jobs;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct options {
    std::string store, role, folder;
    int seconds = 10, workers = 4, enqueuers = 2;
    unsigned seed = 0, floods = 300;
};

[[noreturn]] void usage(const char* why) {
    std::fprintf(stderr,
                 "kill_storm: %s\nkill_storm --store URL|sqlite|postgres [--seconds N] [--workers N] [--enqueuers N] "
                 "[--floods N] [--seed N]\n",
                 why);
    std::exit(2);
}

options read_options(int argc, char** argv) {
    options how;
    how.seed = std::random_device()();
    if (const char* const seconds = std::getenv("GRISTMILL_STORM_SECONDS")) how.seconds = std::atoi(seconds);
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (i + 1 == argc) usage(("no value for " + name).c_str());
        const char* const value = argv[++i];
        if (name == "--store")
            how.store = value;
        else if (name == "--seconds")
            how.seconds = std::atoi(value);
        else if (name == "--workers")
            how.workers = std::atoi(value);
        else if (name == "--enqueuers")
            how.enqueuers = std::atoi(value);
        else if (name == "--seed")
            how.seed = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        else if (name == "--floods")
            how.floods = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        else if (name == "--role")
            how.role = value;
        else if (name == "--folder")
            how.folder = value;
        else
            usage(("there is no " + name).c_str());
    }
    if (how.store.empty()) usage("--store is missing");
    if (how.seconds < 1 || how.workers < 1 || how.enqueuers < 1 || how.floods < 1) usage("a number is below 1");
    return how;
}

std::string first_lines_of(const std::string& command, std::string* second = nullptr) {
    std::array<char, 512> text{};
    std::string first;
    FILE* const out = popen(command.c_str(), "r");
    if (!out) return first;
    for (std::string* into : {&first, second})
        if (into && std::fgets(text.data(), text.size(), out)) {
            *into = text.data();
            into->erase(into->find_last_not_of('\n') + 1);
        }
    return pclose(out) == 0 ? first : std::string();
}

// A server of our own, or none.
class server {
public:
    server() = default;
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        if (!folder_.empty()) run("stop");
    }

    std::string start() {
        std::string url;
        folder_ = first_lines_of(script + " start max_connections=200", &url);
        if (folder_.empty()) {
            std::fprintf(stderr, "kill_storm: PostgreSQL does not start\n");
            std::exit(2);
        }
        return url;
    }
    bool there() const { return !folder_.empty(); }
    void crash_and_come_back() {
        run("kill");
        std::this_thread::sleep_for(200ms);  // an outage, not a synchronisation
        run("restart");
    }

private:
    void run(const char* verb) const {
        if (std::system((script + " " + verb + " '" + folder_ + "' >/dev/null").c_str()) != 0)
            std::fprintf(stderr, "kill_storm: the server did not %s\n", verb);
    }
    inline static const std::string script = GRISTMILL_SERVERS "/postgres";
    std::string folder_;
};

class storm {
public:
    explicit storm(const options& how) : how_(how), log_(how.folder), dice_(how.seed) {}
    storm(const storm&) = delete;
    storm& operator=(const storm&) = delete;
    ~storm() {
        for (const auto& [pid, role] : crew_) kill(pid, SIGKILL);
        for (const auto& [pid, role] : crew_) waitpid(pid, nullptr, 0);
    }

    void rage(server& database) {
        for (int i = 0; i != how_.workers; ++i) start("work");
        for (int i = 0; i != how_.enqueuers; ++i) start("enqueue");
        const auto end = steady::now() + std::chrono::seconds(how_.seconds);
        auto next_outage = steady::now() + 5s;
        while (steady::now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50 + dice_() % 400));  // the storm's rhythm
            strike();
            if (database.there() && steady::now() > next_outage) {
                database.crash_and_come_back();
                ++outages;
                next_outage = steady::now() + std::chrono::seconds(3 + dice_() % 8);
            }
        }
        thaw(steady::time_point::max());
        finish("enqueue", SIGTERM);
        finish("work", SIGKILL);
    }

    int kills = 0, freezes = 0, outages = 0;

private:
    using role_of_pid = std::unordered_map<pid_t, std::string>;

    void start(const std::string& role) {
        const std::string seed = std::to_string(dice_()), floods = std::to_string(how_.floods);
        std::vector<std::string> words{"kill_storm", "--role", role, "--store",  how_.store, "--folder",
                                       how_.folder,  "--seed", seed, "--floods", floods};
        std::vector<char*> arguments;
        for (std::string& each : words) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        pid_t pid = 0;
        if (posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ) != 0) std::abort();
        crew_.emplace(pid, role);
    }

    role_of_pid::iterator anybody() {
        return std::next(crew_.begin(), static_cast<std::ptrdiff_t>(dice_() % crew_.size()));
    }

    // One of them dies, or stands still for longer than its lease.
    void strike() {
        thaw(steady::now());
        reap();
        const auto victim = anybody();
        const auto [pid, role] = *victim;
        if (dice_() % 6 == 0 && role == "work") {
            log_.note('Z', pid);
            kill(pid, SIGSTOP);
            frozen_.emplace_back(steady::now() + 3s, pid);
            ++freezes;
            return;
        }
        log_.note('K', pid);
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        crew_.erase(victim);
        std::erase_if(frozen_, [pid](const auto& each) { return each.second == pid; });
        ++kills;
        start(role);
    }

    // Those that ended by themselves: a worker whose store went away for too long, say.
    void reap() {
        for (int status = 0; const pid_t pid = waitpid(-1, &status, WNOHANG);) {
            if (pid < 0) return;
            const auto found = crew_.find(pid);
            if (found == crew_.end()) continue;
            log_.note('K', pid);
            std::fprintf(stderr, "kill_storm: a process (%s) ended with %d\n", found->second.c_str(), status);
            const std::string role = found->second;
            crew_.erase(found);
            start(role);
        }
    }

    void thaw(steady::time_point now) {
        std::erase_if(frozen_, [&](const auto& each) {
            if (each.first > now) return false;
            kill(each.second, SIGCONT);
            return true;
        });
    }

    void finish(const std::string& role, int by) {
        for (auto at = crew_.begin(); at != crew_.end();) {
            if (at->second != role) {
                ++at;
                continue;
            }
            if (by == SIGKILL) log_.note('K', at->first);
            kill(at->first, by);
            waitpid(at->first, nullptr, 0);
            at = crew_.erase(at);
        }
    }

    const options& how_;
    faults::audit_log log_;
    std::minstd_rand dice_;
    role_of_pid crew_;
    std::vector<std::pair<steady::time_point, pid_t>> frozen_;
};

struct ends {
    std::size_t completed = 0, crashed_too_often = 0, lost = 0;
};

// None: it is not there.
void count_in(ends& all, std::int64_t id, const jobs::record* job) {
    if (job && job->state == jobs::state::completed) {
        ++all.completed;
    } else if (job && job->state == jobs::state::dead && job->crashes >= jobs::crash_cap) {
        ++all.crashed_too_often;
    } else {
        std::fprintf(stderr, "job %lld: it is %s\n", static_cast<long long>(id),
                     job ? std::string(jobs::name_of(job->state)).c_str() : "not there");
        ++all.lost;
    }
}

ends look_up(const std::string& url, const std::vector<std::int64_t>& accepted) {
    auto store = gm::stores::open(url);
    if (!store) {
        std::fprintf(stderr, "kill_storm: %s\n", store.error().what.c_str());
        std::exit(2);
    }
    ends all;
    constexpr std::size_t at_once = 1'000;
    for (std::size_t from = 0; from < accepted.size(); from += at_once) {
        jobs::filter which;
        for (std::size_t i = from; i < std::min(accepted.size(), from + at_once); ++i)
            which.ids.push_back(jobs::job_id{accepted[i]});
        const auto listed = (*store)->ledger()->list(which, {.most = at_once});
        if (!listed) {
            std::fprintf(stderr, "kill_storm: %s\n", listed.error().what.c_str());
            std::exit(2);
        }
        std::unordered_map<std::int64_t, const jobs::record*> found;
        for (const jobs::record& job : *listed) found.emplace(job.id.number, &job);
        for (const jobs::job_id id : which.ids) {
            const auto job = found.find(id.number);
            count_in(all, id.number, job == found.end() ? nullptr : job->second);
        }
    }
    return all;
}

bool limit_the_queue(const std::string& url) {
    auto store = gm::stores::open(url);
    if (!store) {
        std::fprintf(stderr, "kill_storm: %s\n", store.error().what.c_str());
        return false;
    }
    return (*store)->ledger()->limit(faults::limited_queue, {.running = faults::limit}).has_value();
}

int account(const options& how, const storm& weather, int slots) {
    const auto lines = faults::read_audit(how.folder);
    const faults::verdict said = faults::judge(lines);
    const ends all = look_up(how.store, faults::accepted_in(lines));
    for (const auto& [id, what] : said.wrong) std::printf("job %lld %s\n", static_cast<long long>(id), what.c_str());
    const std::size_t unexplained = said.reruns - said.explained;
    const int leaked = slots < 0 ? -1 : static_cast<int>(faults::limit) - slots;
    std::printf(
        "%d kills, %d freezes, %d outages of the server; %zu starts, %zu of them again; %zu jobs were given up "
        "after %d crashes; seed %u\n",
        weather.kills, weather.freezes, weather.outages, said.started, said.reruns, all.crashed_too_often,
        jobs::crash_cap, how.seed);
    std::printf(
        "accounted %zu of %zu, lost %zu, finished twice %zu, slots leaked %d, started after its finish %zu, two "
        "owners %zu, unexplained reruns %zu\n",
        all.completed + all.crashed_too_often, said.accepted, all.lost, said.finished_twice, leaked,
        said.started_after_finish, said.two_owners, unexplained);
    const bool sound = said.accepted != 0 && all.lost == 0 && said.finished_twice == 0 && leaked == 0 &&
                       said.started_after_finish == 0 && said.two_owners == 0 && unexplained == 0;
    return sound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options how = read_options(argc, argv);
    if (!how.role.empty()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const faults::role_options role{how.store, how.folder, how.seed, how.floods};
        return how.role == "work" ? faults::work(role) : faults::enqueue(role);
    }
    std::string folder = (std::filesystem::temp_directory_path() / "gristmill-storm.XXXXXX").string();
    if (!mkdtemp(folder.data())) usage("there is no temporary folder");
    how.folder = folder;
    int code = 0;
    {
        server database;
        if (how.store == "sqlite") how.store = "sqlite:" + folder + "/work.db";
        if (how.store == "postgres") how.store = database.start();
        if (!limit_the_queue(how.store)) return 2;
        storm weather(how);
        weather.rage(database);
        code = account(how, weather, faults::drain({how.store, how.folder, how.seed}));
    }
    if (code == 0)
        std::filesystem::remove_all(folder);
    else
        std::printf("what they wrote down: %s\n", folder.c_str());
    return code;
}
