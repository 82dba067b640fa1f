"""What D1 to D4 run on: a fresh store for each measurement, and the servers of our stores and of the peers. PostgreSQL is started
once and gives a database a time; the others start in milliseconds and are started each time. All of them listen on the loopback
interface and are stopped by their pids."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

scripts = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests", "servers")

# Debian's defaults but for room: a checkpoint in the middle of one measurement would be somebody's bad luck.
postgres_settings = ["shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=60min"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError("%s does not start" % process.args[0])


def stat_of(pid):
    with open("/proc/%s/stat" % pid) as file:
        return file.read().rpartition(")")[2].split()


def tree_seconds(pid):
    """CPU seconds of a process, of its children, and of those it has waited for."""
    ticks = 0
    for each in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = stat_of(each)
            if each == str(pid):
                ticks += sum(map(int, fields[11:15]))
            elif fields[1] == str(pid):
                ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Servers:
    def __init__(self, build, fsync_ms):
        self.data = os.path.join(build, "data")
        self.debian = os.path.join(build, "peers", "debian")
        self.postgres_url = None
        self.folders = {}  # of tests/servers: script -> folder
        self.postgres_pid = None
        self.databases = 0
        self.preload = {}
        self.shim = None
        if fsync_ms:
            # PostgreSQL runs as a user of its own, who may not be allowed to look into the checkout.
            self.shim = tempfile.mkdtemp(prefix="gristmill-bench.")
            os.chmod(self.shim, 0o755)
            shutil.copy(os.path.join(build, "libslow_fsync.so"), self.shim)
            self.preload = {"LD_PRELOAD": os.path.join(self.shim, "libslow_fsync.so"),
                            "BENCH_FSYNC_US": str(int(fsync_ms * 1000))}

    def seconds(self):
        """CPU seconds of the server that outlives a measurement."""
        return tree_seconds(self.postgres_pid) if self.postgres_pid else 0.0

    def start(self, script, *arguments):
        done = subprocess.run([os.path.join(scripts, script), "start", *arguments], capture_output=True, text=True,
                              env=dict(os.environ, **self.preload))
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or [script + " does not start"])[-1])
        folder, url = done.stdout.split()
        self.folders[script] = folder
        return url

    def postgres(self):
        if not self.postgres_url:
            self.postgres_url = self.start("postgres", *postgres_settings)
            with open(os.path.join(self.folders["postgres"], "data", "postmaster.pid")) as file:
                self.postgres_pid = int(file.readline())
        return self.postgres_url

    def ask(self, url, *sql):
        commands = [part for each in sql for part in ("-c", each)]
        subprocess.run(["psql", "-XqAt", url, *commands], check=True, stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def database(self, url):
        """A new database on the server of this URL, or on one of our own."""
        server = self.postgres() if url in ("postgres", "postgres:") else url
        self.databases += 1
        name = "gristmill_bench_%d_%d" % (os.getpid(), self.databases)
        self.ask(server, "create database " + name, "checkpoint")
        try:
            yield re.sub(r"^(\w+://[^/]*)(/[^?]*)?", r"\1/" + name, server)
        finally:
            self.ask(server, "drop database if exists %s with (force)" % name)

    @contextlib.contextmanager
    def store(self, url, case):
        """The environment of one measurement: an empty store."""
        scheme = url.partition(":")[0]
        if scheme == "memory":
            yield {"BENCH_STORE": "memory:"}
        elif scheme == "sqlite":
            folder = url.partition(":")[2] or self.data
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as fresh:
                yield dict(self.preload, BENCH_STORE="sqlite:" + os.path.join(fresh, "work.db"))
        else:
            with self.database(url) as made:
                more = {"BENCH_STORE": made}
                if case.startswith("pooler"):
                    with self.pooler(made) as behind:
                        yield dict(more, BENCH_POOLER=behind)
                else:
                    yield more

    @contextlib.contextmanager
    def pooler(self, url):
        match = re.match(r"postgres(?:ql)?://[^/]*:(\d+)/(\w+)", url)
        if not match or not (shutil.which("pgbouncer") or os.path.exists("/usr/sbin/pgbouncer")):
            yield ""
            return
        behind = self.start("pgbouncer", match[1])
        try:
            yield behind.rpartition("/")[0] + "/" + match[2]
        finally:
            self.stop("pgbouncer")

    def stop(self, script):
        if script in self.folders:
            subprocess.run([os.path.join(scripts, script), "stop", self.folders.pop(script)], check=False)

    def stop_all(self):
        for script in list(self.folders):
            self.stop(script)
        shutil.rmtree(self.data, ignore_errors=True)
        if self.shim:
            shutil.rmtree(self.shim, ignore_errors=True)

    # ---- of the peers ----

    def program(self, name):
        """Installed, or unpacked beside the build."""
        places = [shutil.which(name), "/usr/sbin/" + name]
        places += [os.path.join(self.debian, "usr", folder, name) for folder in ("bin", "sbin")]
        return next((each for each in places if each and os.path.exists(each)), None)

    def libraries(self):
        return {"LD_LIBRARY_PATH": os.path.join(self.debian, "usr", "lib", os.uname().machine + "-linux-gnu")}

    @contextlib.contextmanager
    def child(self, name, arguments):
        program = self.program(name)
        if not program:
            yield False
            return
        port = free_port()
        os.makedirs(self.data, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.data) as folder:
            process = subprocess.Popen([program] + [a.format(port=port, folder=folder) for a in arguments],
                                       env=dict(os.environ, **self.libraries(), **self.preload), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                wait_for_port(port, process)
                yield port
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @contextlib.contextmanager
    def broker(self, contender):
        """The environment of a peer that brings a server of its own, on the disk before it answers, as our stores are."""
        if contender in ("bullmq", "celery-redis"):
            with self.child("redis-server", ["--bind", "127.0.0.1", "--port", "{port}", "--dir", "{folder}", "--save", "",
                                             "--appendonly", "yes", "--appendfsync", "always"]) as port:
                yield {"BENCH_REDIS": str(port)} if port else {}
        elif contender == "beanstalkd":
            with self.child("beanstalkd", ["-l", "127.0.0.1", "-p", "{port}", "-b", "{folder}", "-f", "0"]) as port:
                yield {"BENCH_BEANSTALKD": str(port)} if port else {}
        else:
            yield {}
