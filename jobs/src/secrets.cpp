#include <gristmill/jobs/secrets.hpp>

#include <algorithm>

#include <gristmill/jobs/json.hpp>

namespace gm::jobs {

namespace {

constexpr std::string_view mark = "$env";

// Of an object that is a reference; null: it is none.
const std::string* name_in(const json::object& of) {
    return of.size() == 1 && of.front().first == mark ? of.front().second.as_string() : nullptr;
}

result<json, std::string> replaced(const json& from, const secret_finder& find) {
    if (const json::list* const list = from.as_list()) {
        json::list all;
        all.reserve(list->size());
        for (const json& each : *list) {
            auto made = replaced(each, find);
            if (!made) return made;
            all.push_back(*std::move(made));
        }
        return json(std::move(all));
    }
    const json::object* const object = from.as_object();
    if (!object) return from;
    if (const std::string* const name = name_in(*object)) {
        auto value = find(*name);
        if (!value) return failure(std::move(value).error());
        return json(*std::move(value));
    }
    if (from.find(mark))
        return failure(
            std::string(R"(an object with "$env" in it has nothing else, and names a variable: {"$env": "NAME"})"));
    json::object all;
    all.reserve(object->size());
    for (const auto& [name, each] : *object) {
        auto made = replaced(each, find);
        if (!made) return made;
        all.emplace_back(name, *std::move(made));
    }
    return json(std::move(all));
}

}  // namespace

bool refers_to_secrets(const body& arguments) noexcept {
    return arguments.is_json() && arguments.bytes.find("\"$env\"") != std::string::npos;
}

result<body, std::string> with_secrets(const body& arguments, const secret_finder& find) {
    if (!refers_to_secrets(arguments)) return arguments;
    const auto read = json::parse(arguments.bytes);
    if (!read) return arguments;  // whoever reads it says what is wrong
    auto made = replaced(*read, find);
    if (!made) return failure(std::move(made).error());
    return body{made->text(), arguments.type};
}

body with_names_of_secrets(const body& arguments) {
    auto made = with_secrets(arguments, [](const std::string& name) { return result<std::string, std::string>(name); });
    return made ? *std::move(made) : arguments;
}

}  // namespace gm::jobs
