// Seed 2: a worker pool for requests. Each request carries the channel on which its client waits for the answer, so any
// number of clients share one crew and each gets what it asked for. Closing the requests is how the service stops: what was
// accepted is answered, what comes later is told `closed`.

#include <cstdio>
#include <string>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/wait_group.hpp>

struct response {
    int status;
    std::string body;
};
struct request {
    std::string path;
    gm::sender<response> reply;
};

response handle(const std::string& path) {
    if (path == "/hello") return {200, "hello"};
    return {404, "nothing at " + path};
}

int main() {
    gm::channel<request> requests(2);

    gm::wait_group service;
    for (int id = 1; id <= 3; ++id)
        service.go([=] {
            for (const request& each : requests) each.reply.send(handle(each.path));
        });

    gm::wait_group clients;
    for (std::string path : {"/hello", "/report", "/hello", "/image"})
        clients.go([=] {
            gm::channel<response> reply(1);
            requests.send({path, reply});
            const response answer = reply.receive().value();
            std::printf("GET %s: %d %s\n", path.c_str(), answer.status, answer.body.c_str());
        });
    clients.wait();

    requests.close();
    service.wait();
    if (requests.try_send({"/late", {}}) == gm::channel_status::closed) std::puts("GET /late: the service is closed");
}
