// Completion for three shells. Each script knows the verbs, their flags and what a flag takes, and nothing else: after the
// flags a shell's own completion of commands and files is the best there is.
#include <algorithm>

#include "program/cli/help.hpp"

namespace gm::program {

namespace {

std::string verb_names() {
    std::string all;
    for (const verb* one : verbs()) all += (all.empty() ? "" : " ") + std::string(one->name);
    return all;
}

template <class F>
void each_flag(const verb& of, F&& then) {
    for (const flag_group& group : of.flags)
        for (const flag& one : group.flags) then(one);
}

std::string bash_script() {
    std::string all =
        "_gristmill() {\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    if ((COMP_CWORD == 1)); then\n        mapfile -t COMPREPLY < <(compgen -W '" +
        verb_names() + "' -- \"$word\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n";
    for (const verb* one : verbs()) {
        std::string names = "--help", cases;
        each_flag(*one, [&](const flag& f) {
            std::string pattern;
            for (const std::string_view spelling : spellings(f)) {
                if (spelling.starts_with("--")) names += ' ' + std::string(spelling);
                pattern += (pattern.empty() ? "" : " | ") + std::string(spelling);
            }
            if (f.argument.empty()) return;
            std::string offer = "COMPREPLY=()";
            if (f.offers == completes::file) offer = "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
            if (f.offers == completes::folder) offer = "mapfile -t COMPREPLY < <(compgen -d -- \"$word\")";
            if (f.offers == completes::words)
                offer = "mapfile -t COMPREPLY < <(compgen -W '" + std::string(f.words) + "' -- \"$word\")";
            cases += "        " + pattern + ") " + offer + " && return ;;\n";
        });
        all += "    " + std::string(one->name) + ")\n        case $before in\n" + cases +
               "        esac\n        [[ $word == -* ]] && mapfile -t COMPREPLY < <(compgen -W '" + names +
               "' -- \"$word\")\n        ;;\n";
    }
    return all + "    esac\n}\ncomplete -o bashdefault -o default -F _gristmill gristmill\n";
}

// In single quotes; zsh's _arguments gives brackets and colons a meaning of their own.
std::string zsh_text(std::string_view text) {
    std::string all;
    for (const char c : text.substr(0, text.find(". "))) {
        if (c == '\'')
            all += "'\\''";
        else if (c == '[' || c == ']' || c == ':' || c == '\\')
            all += std::string("\\") + c;
        else
            all += c;
    }
    return all;
}

std::string zsh_script() {
    std::string all = "#compdef gristmill\n_gristmill() {\n    local -a verbs=(\n";
    for (const verb* one : verbs()) all += "        '" + std::string(one->name) + ':' + zsh_text(one->summary) + "'\n";
    all +=
        "    )\n    if ((CURRENT == 2)); then\n        _describe verb verbs\n        return\n    fi\n    local "
        "name=$words[2]\n"
        "    shift words\n    ((CURRENT--))\n    case $name in\n";
    for (const verb* one : verbs()) {
        all += "    " + std::string(one->name) + ")\n        _arguments -S -A '-*' \\\n";
        each_flag(*one, [&](const flag& f) {
            std::string takes;
            if (!f.argument.empty()) takes = ':' + zsh_text(f.argument) + ':';
            if (f.offers == completes::file) takes += "_files";
            if (f.offers == completes::folder) takes += "_files -/";
            if (f.offers == completes::words) takes += '(' + std::string(f.words) + ')';
            for (const std::string_view spelling : spellings(f))
                all += "            '" + std::string(spelling) +
                       (f.argument.empty()           ? ""
                        : spelling.starts_with("--") ? "="
                                                     : "+") +
                       '[' + zsh_text(f.help) + ']' + takes + "' \\\n";
        });
        all += "            '*::command:_normal'\n        ;;\n";
    }
    return all + "    esac\n}\n_gristmill \"$@\"\n";
}

std::string fish_text(std::string_view text) {
    std::string all;
    for (const char c : text.substr(0, text.find(". "))) {
        if (c == '\'' || c == '\\') all += '\\';
        all += c;
    }
    return all;
}

std::string fish_script() {
    std::string all;
    for (const verb* one : verbs())
        all += "complete -c gristmill -n __fish_use_subcommand -f -a " + std::string(one->name) + " -d '" +
               fish_text(one->summary) + "'\n";
    for (const verb* one : verbs())
        each_flag(*one, [&](const flag& f) {
            all += "complete -c gristmill -n '__fish_seen_subcommand_from " + std::string(one->name) + "'";
            for (const std::string_view spelling : spellings(f))
                all += (spelling.starts_with("--") ? " -l " + std::string(spelling.substr(2))
                                                   : " -s " + std::string(spelling.substr(1)));
            if (!f.argument.empty()) all += f.offers == completes::file ? " -r" : " -x";
            if (f.offers == completes::folder) all += " -a '(__fish_complete_directories)'";
            if (f.offers == completes::words) all += " -a '" + std::string(f.words) + "'";
            all += " -d '" + fish_text(f.help) + "'\n";
        });
    return all;
}

}  // namespace

std::optional<std::string> completion(std::string_view shell) {
    if (shell == "bash") return bash_script();
    if (shell == "zsh") return zsh_script();
    if (shell == "fish") return fish_script();
    return std::nullopt;
}

}  // namespace gm::program
