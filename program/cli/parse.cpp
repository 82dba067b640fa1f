#include "program/cli/parse.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace gm::program {

namespace {

class reader {
public:
    reader(const verb& by, std::span<const std::string_view> words, void* options)
        : verb_(by), words_(words), options_(options) {}

    parsed read() {
        while (at_ < words_.size() && answer_.error.empty() && !answer_.help) {
            const std::string_view word = words_[at_];
            if (word.size() < 2 || word[0] != '-' || word == "--") {
                answer_.dashes = word == "--";
                at_ += answer_.dashes;
                break;
            }
            ++at_;
            if (word.starts_with("--"))
                long_flag(word);
            else
                short_flags(word);
        }
        answer_.rest = words_.subspan(at_);
        return answer_;
    }

private:
    const flag* find(std::string_view spelling) const {
        for (const flag_group& group : verb_.flags)
            for (const flag& one : group.flags)
                if (std::ranges::count(spellings(one), spelling)) return &one;
        return nullptr;
    }

    void long_flag(std::string_view word) {
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        if (name == "--help") return void(answer_.help = true);
        const flag* const found = find(name);
        if (!found) return unknown(name);
        if (found->argument.empty() && equals != std::string_view::npos)
            return fail(std::string(name) + " takes no value");
        if (found->argument.empty()) return apply(*found, name, {});
        if (equals != std::string_view::npos) return apply(*found, name, word.substr(equals + 1));
        take_next(*found, name);
    }

    // -abc: letters without a value, until one takes the rest, or the next word.
    void short_flags(std::string_view word) {
        for (std::size_t i = 1; i < word.size() && answer_.error.empty(); ++i) {
            const std::string name = {'-', word[i]};
            if (name == "-h") return void(answer_.help = true);
            const flag* const found = find(name);
            if (!found) return unknown(i == 1 && word.size() > 2 ? word : name);
            if (found->argument.empty()) {
                apply(*found, name, {});
            } else if (i + 1 < word.size()) {
                return apply(*found, name, word.substr(i + 1));
            } else {
                return take_next(*found, name);
            }
        }
    }

    void take_next(const flag& of, std::string_view name) {
        if (at_ == words_.size()) return fail(std::string(name) + " wants a value: " + std::string(of.argument));
        apply(of, name, words_[at_++]);
    }

    void apply(const flag& of, std::string_view name, std::string_view value) {
        if (const std::string wrong = of.apply(options_, value); !wrong.empty()) fail(std::string(name) + ": " + wrong);
    }

    void unknown(std::string_view name) {
        std::vector<std::string_view> known{"--help"};
        for (const flag_group& group : verb_.flags)
            for (const flag& one : group.flags)
                for (const std::string_view spelling : spellings(one)) known.push_back(spelling);
        std::string text = "there is no flag " + std::string(name);
        if (const auto near = nearest(name, known)) text += "; did you mean " + std::string(*near) + "?";
        fail(std::move(text));
    }

    void fail(std::string text) { answer_.error = std::move(text); }

    const verb& verb_;
    const std::span<const std::string_view> words_;
    void* const options_;
    std::size_t at_ = 0;
    parsed answer_;
};

// Insertions, deletions, changes, and neighbours in the wrong order.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(now);
    }
    return last[b.size()];
}

}  // namespace

parsed parse(const verb& by, std::span<const std::string_view> words, void* options) {
    return reader(by, words, options).read();
}

parsed_words parse_mixed(const verb& by, std::span<const std::string_view> words, void* options) {
    parsed_words all;
    for (;;) {
        const parsed part = parse(by, words, options);
        all.help = part.help;
        all.error = part.error;
        if (part.dashes) all.after = part.rest;
        if (part.help || part.dashes || !part.error.empty() || part.rest.empty()) return all;
        all.words.push_back(part.rest.front());
        words = part.rest.subspan(1);
    }
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
    constexpr std::size_t longest = 40;  // what is longer was not mistyped
    std::optional<std::string_view> best;
    std::size_t least = word.size() > longest ? 0 : std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        if (candidate.size() <= 2) continue;  // everything short is near a letter
        // What was only begun: --keep for --keep-order.
        const std::size_t apart = candidate.starts_with(word) && word.size() > 3 ? 1 : distance(word, candidate);
        if (apart < least) {
            least = apart;
            best = candidate;
        }
    }
    return best;
}

}  // namespace gm::program
