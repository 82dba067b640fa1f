#include "codec.hpp"

#include <gristmill/jobs/fields.hpp>

namespace gm::stores::sqlite {

using jobs::json;

std::optional<std::string> text_of(const std::vector<std::string>& tags) {
    if (tags.empty()) return std::nullopt;
    return jobs::encode(tags).text();
}

std::vector<std::string> tags_from(std::string_view text) {
    if (text.empty()) return {};
    const auto read = json::parse(text);
    if (!read) return {};
    return jobs::decode<std::vector<std::string>>(*read).value_or(std::vector<std::string>());
}

std::optional<std::string> text_of(const std::optional<jobs::retry_policy>& retry) {
    if (!retry) return std::nullopt;
    return json(json::list{json(retry->attempts), json(retry->first.count()), json(retry->factor),
                           json(retry->longest.count()), json(retry->jitter)})
        .text();
}

std::optional<jobs::retry_policy> retry_from(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto read = json::parse(text);
    if (!read) return std::nullopt;
    const auto numbers = jobs::decode<std::vector<json>>(*read);
    if (!numbers || numbers->size() != 5) return std::nullopt;
    jobs::retry_policy policy;
    policy.attempts = jobs::decode<int>((*numbers)[0]).value_or(policy.attempts);
    policy.first = std::chrono::microseconds(jobs::decode<std::int64_t>((*numbers)[1]).value_or(0));
    policy.factor = jobs::decode<double>((*numbers)[2]).value_or(policy.factor);
    policy.longest = std::chrono::microseconds(jobs::decode<std::int64_t>((*numbers)[3]).value_or(0));
    policy.jitter = jobs::decode<double>((*numbers)[4]).value_or(policy.jitter);
    return policy;
}

std::string cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) return std::string(text);
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return std::string(text.substr(0, most));
}

}  // namespace gm::stores::sqlite
