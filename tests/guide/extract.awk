# Turns a page of the guide into C++.
#
#   awk -f extract.awk PAGE                    the fragments of the page, as one translation unit
#   awk -v program=NAME -f extract.awk PAGE    the program NAME
#   awk -v output=NAME -f extract.awk PAGE     what the program NAME prints
#
# A fence is told apart by its info string:
#
#   ```cpp                  statements: the body of a function, or of a coroutine if there is a co_ in them
#   ```cpp file             declarations, at file scope; what follows on the page can use them
#   ```cpp more             statements that go on where the fence before them ended
#   ```cpp program=NAME     a whole program, which is run and has to exit with 0
#   ```text output=NAME     what that program prints (tests/check_output tells how it is compared)
#   <!-- cpp ... -->        as ```cpp file, but the reader does not see it
#
# An #include in a fragment goes to the top. Each fragment is a function of its own in a namespace of its page. A #line
# tells the compiler where it stands, so that its messages point to the page.

function close_body() {
    if (!open_body) return
    if (statements ~ /co_(await|yield|return)/) kind = "gm::task<> "
    else kind = "void "
    text = text kind "fragment_" fragments "() {\n" statements "}\n"
    open_body = 0
    statements = ""
}

function line_directive(number) { return "#line " number " \"" FILENAME "\"\n" }

function begin(info) {
    scope = ""
    if (info ~ /program=/) scope = info ~ ("program=" program "([^A-Za-z0-9_]|$)") && program != "" ? "program" : "other"
    else if (info == "more") scope = "more"
    else if (info == "file") scope = "file"
    else if (info == "") scope = "body"
    else { print FILENAME ":" NR ": do not know what a fence of kind \"cpp " info "\" is" > "/dev/stderr"; failed = 1; exit 1 }

    if (scope == "file") { close_body(); text = text line_directive(NR + 1) }
    if (scope == "body") { close_body(); open_body = 1; fragments++ }
    if (scope == "more" && !open_body) { print FILENAME ":" NR ": nothing to go on from" > "/dev/stderr"; failed = 1; exit 1 }
    if (scope == "body" || scope == "more") { scope = "body"; statements = statements line_directive(NR + 1) }
    if (scope == "program") whole = whole line_directive(NR + 1)
}

function take(line) {
    if (scope == "program") whole = whole line "\n"
    else if (scope == "other") return
    else if (line ~ /^#include/) { includes = includes line_directive(NR) line "\n"; take("") }
    else if (scope == "file") text = text line "\n"
    else if (scope == "body") statements = statements line "\n"
}

!inside && /^```cpp( |$)/ { info = $0; sub(/^```cpp */, "", info); sub(/ *$/, "", info); begin(info); inside = "fence"; next }
!inside && /^<!-- cpp *$/ { begin("file"); inside = "comment"; next }
!inside && /^[ \t]+```cpp/ { print FILENAME ":" NR ": an indented fence would not be compiled" > "/dev/stderr"; failed = 1; exit 1 }
!inside && /^```/ {
    inside = "fence"
    scope = "other"
    if (output != "" && $0 ~ ("^```text output=" output "([^A-Za-z0-9_]|$)")) scope = "output"
    next
}
inside == "fence" && /^```/ { inside = ""; scope = ""; next }
inside == "comment" && /^-->/ { inside = ""; scope = ""; next }
inside && scope == "output" { printed = printed $0 "\n"; next }
inside { take($0) }

END {
    if (failed) exit 1
    if (inside) { print FILENAME ": a fence is not closed" > "/dev/stderr"; exit 1 }
    if (output != "") { printf "%s", printed; exit 0 }
    if (program != "") { printf "%s", whole; exit 0 }
    close_body()
    page = FILENAME
    sub(/.*\//, "", page)
    gsub(/[^A-Za-z0-9]/, "_", page)
    printf "#include <chrono>\n#include <cstdio>\n#include <exception>\n#include <filesystem>\n#include <functional>\n"
    printf "#include <iostream>\n#include <map>\n#include <memory>\n#include <numeric>\n#include <optional>\n#include <stdexcept>\n"
    printf "#include <string>\n#include <thread>\n#include <vector>\n#include <guide_everything.hpp>\n"
    printf "%snamespace guide_%s {\nusing namespace std::chrono_literals;\n%s}\n", includes, page, text
}
