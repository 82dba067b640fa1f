// Durable jobs: put in by one part of a program, run by another, kept in a file in between. What was accepted is still there after a
// crash; here the program puts the jobs in, closes the store, opens it again, and works.
#include <cstdio>
#include <string>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/open.hpp>

#include "support/scratch_folder.hpp"

namespace {

struct resize_args {
    std::string path;
    int width = 800;
    static constexpr auto fields = gm::jobs::fields("path", &resize_args::path, "width", &resize_args::width);
};

struct resize_result {
    int bytes = 0;
    static constexpr auto fields = gm::jobs::fields("bytes", &resize_result::bytes);
};

gm::jobs::registry make_kinds() {
    gm::jobs::registry kinds;
    kinds.add<resize_args>("image.resize", [](const resize_args& args) { return resize_result{args.width * 100}; });
    return kinds;
}

std::vector<gm::jobs::job_id> enqueue(const std::string& url) {
    const auto store = gm::stores::open(url).value();
    gm::jobs::client client(*store);
    std::vector<gm::jobs::job_id> ids;
    for (const char* name : {"a.jpg", "b.jpg", "c.jpg"})
        ids.push_back(client.insert("image.resize", resize_args{name, 640}).value().id);
    return ids;
}

}  // namespace

int main() {
    const scratch_folder folder;
    const std::string url = "sqlite:" + folder.path() + "/work.db";
    const std::vector<gm::jobs::job_id> ids = enqueue(url);

    const auto store = gm::stores::open(url).value();
    const gm::jobs::registry kinds = make_kinds();
    const auto report = gm::jobs::runner(*store, kinds, {.workers = 2, .until_idle = true}).run();
    std::printf("%d completed\n", static_cast<int>(report.counts.completed));

    gm::jobs::client client(*store);
    for (const gm::jobs::job_id id : ids) {
        const gm::jobs::record job = client.find(id).value().value();
        const resize_result result = gm::jobs::result_of<resize_result>(job).value();
        std::printf("job %lld: %d bytes\n", static_cast<long long>(id.number), result.bytes);
    }
}
