// A long job in steps: what a step returned is recorded, and an attempt after a failure, a crash or a stop goes on after the last of them.
#include <cstdio>
#include <stdexcept>
#include <string>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

struct film_args {
    std::string name;
    int parts = 0;
    static constexpr auto fields = gm::jobs::fields("name", &film_args::name, "parts", &film_args::parts);
};

void a_night() {
    const auto store = gm::stores::open_memory();
    gm::jobs::registry kinds;
    kinds.add<film_args>("film.encode", [](const film_args& film, gm::jobs::attempt& self) {
        int frames = 0;
        for (int part = 1; part <= film.parts; ++part) {
            self.context().check();  // whoever is asked to stop leaves here, and loses nothing
            frames += self.step("part " + std::to_string(part), [&] {
                std::printf("attempt %d encodes part %d\n", self.number(), part);
                if (part == 3 && self.number() == 1) throw std::runtime_error("the disk was full");
                return 1000 * part;
            });
            self.progress(static_cast<double>(part) / film.parts);
        }
        return frames;
    });
    gm::jobs::client client(*store, kinds);
    const auto id = client.insert("film.encode", film_args{"holidays", 4}).value().id;
    static_cast<void>(gm::jobs::runner(*store, kinds, {.workers = 1, .until_idle = true}).run());
    std::printf("%d frames\n", gm::jobs::result_of<int>(client.find(id).value().value()).value());
}

}  // namespace

int main() { return gm::virtual_time().run(a_night) ? 0 : 1; }
