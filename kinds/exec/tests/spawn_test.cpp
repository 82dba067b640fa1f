#include <gristmill/kinds/exec/spawn.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "exec_helpers.hpp"

namespace {

using namespace exec_tests;

struct scratch {
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "gm-exec-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~scratch() { std::filesystem::remove_all(path); }
    std::string path;
};

TEST(spawn, what_it_writes_and_how_it_ends_is_told) {
    const said it = run(shell("echo out; echo err >&2; exit 3"));
    EXPECT_EQ(it.output, "out\n");
    EXPECT_EQ(it.errors, "err\n");
    EXPECT_EQ(it.how.exit_code, 3);
    EXPECT_EQ(it.how.shell_status(), 3);
    EXPECT_EQ(run(shell("kill -9 $$")).how.signal, SIGKILL);
    EXPECT_EQ(run(shell("kill -9 $$")).how.shell_status(), 137);
}

TEST(spawn, arguments_arrive_as_they_are) {
    command what;
    what.arguments = {"printf", "<%s>", "a b", "", "$HOME `id` 'x' \"y\"", "line\nline", "\xff\xfe"};
    EXPECT_EQ(run(what).output, "<a b><><$HOME `id` 'x' \"y\"><line\nline><\xff\xfe>");
}

TEST(spawn, input_is_empty_unless_given) {
    EXPECT_EQ(run(shell("cat; echo end")).output, "end\n");
    const unique_fd file(::open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
    command what = shell("cat >/dev/null && echo read");
    what.input = file.get();
    EXPECT_EQ(run(what).output, "read\n");
}

TEST(spawn, directory_and_variables_are_the_childs) {
    command what = shell("pwd; echo $ONE-$TWO");
    environment variables = environment::inherited();
    variables.set("ONE", "old");
    variables.set("ONE", "1");
    variables.set("TWO", "old");
    what.variables = &variables;
    what.extra = {"TWO=2"};
    what.directory = "/usr";
    EXPECT_EQ(run(what).output, "/usr\n1-2\n");
}

TEST(spawn, leads_a_group_and_inherits_no_descriptor) {
    const unique_fd leaked(::open("/dev/null", O_RDONLY));                  // without O_CLOEXEC
    EXPECT_EQ(run(shell("exec ls /proc/self/fd")).output, "0\n1\n2\n3\n");  // 3 is the folder itself
    EXPECT_EQ(run(shell("test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo leads")).output, "leads\n");
}

TEST(spawn, signals_are_neither_blocked_nor_ignored) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    const said it = run(shell("sed -n 's/^Sig\\(Blk\\|Ign\\):\t//p' /proc/self/status"));
    ::signal(SIGPIPE, old);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    unsigned long long blocked = 0, ignored = 0;
    ASSERT_EQ(std::sscanf(it.output.c_str(), "%llx %llx", &blocked, &ignored), 2) << it.output;
    EXPECT_EQ(blocked, 0u);
    EXPECT_EQ(ignored & 0x7fffffff, 0u);  // glibc leaves its own two, 32 and 33, ignored
}

TEST(spawn, what_cannot_be_started_is_an_error) {
    command what;
    EXPECT_EQ(spawn(what).error(), std::errc::no_such_file_or_directory);
    what.arguments = {"no-such-program-anywhere"};
    EXPECT_EQ(spawn(what).error(), std::errc::no_such_file_or_directory);
    what.arguments = {"/etc/passwd"};
    EXPECT_EQ(spawn(what).error(), std::errc::permission_denied);
    what.arguments = {"/bin/true"};
    what.directory = "/no/such/folder";
    EXPECT_EQ(spawn(what).error(), std::errc::no_such_file_or_directory);
}

TEST(spawn, what_leaves_too_few_descriptors_is_not_started) {
    const scratch folder;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    command what = shell("touch " + folder.path + "/ran");
    what.spare = static_cast<unsigned>(limit.rlim_cur);
    EXPECT_EQ(spawn(what).error(), std::errc::too_many_files_open);
    EXPECT_FALSE(std::filesystem::exists(folder.path + "/ran"));
    what.spare = static_cast<unsigned>(limit.rlim_cur) / 2;
    EXPECT_TRUE(run(what).how.success());
    EXPECT_TRUE(std::filesystem::exists(folder.path + "/ran"));
}

TEST(spawn, a_script_without_its_first_line_is_run_by_the_shell) {
    const scratch folder;
    const std::string file = folder.path + "/script";
    std::ofstream(file) << "echo \"script $1\"\n";
    ASSERT_EQ(::chmod(file.c_str(), 0700), 0);
    command what;
    what.arguments = {file, "a b"};
    EXPECT_EQ(run(what).output, "script a b\n");
}

TEST(spawn, a_program_is_found_in_path_and_only_there) {
    EXPECT_TRUE(find_program("sh").ends_with("/sh"));
    EXPECT_EQ(find_program("./sh"), "./sh");
    EXPECT_EQ(find_program("no-such-program-anywhere"), "");
    EXPECT_EQ(find_program(""), "");
}

}  // namespace
