// Seed 3: the image processing service. Images fan out to one worker for each CPU this process may use, and the results
// fan in to one vector. With a pool that is one call: map() feeds the crew no faster than it works, and gives the results
// back as they finish.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gristmill/pool.hpp>

struct image {
    std::string name;
    int width, height;
};

image resize(const image& from) {
    constexpr int width = 800;
    return {"small-" + from.name, width, from.height * width / from.width};
}

std::vector<image> process(const std::vector<image>& images) {
    gm::pool crew;
    std::vector<image> done;
    for (auto& resized : crew.map(images, resize)) done.push_back(std::move(resized).value());
    return done;
}

int main() {
    std::vector<image> done = process({{"cat.jpg", 4000, 3000}, {"dog.jpg", 1600, 1600}, {"fox.jpg", 3200, 1800}});
    std::ranges::sort(done, {}, &image::name);
    for (const image& each : done) std::printf("%s %dx%d\n", each.name.c_str(), each.width, each.height);
}
