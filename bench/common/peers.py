"""The peers of D1 to D4: unpacked or installed in build/bench/peers, so that the system stays as it is. What cannot be had is said
and left out."""

import os
import re
import shutil
import subprocess

debian = {"bullmq": ["redis-server"], "celery-redis": ["python3-celery", "python3-redis", "redis-server"],
          "beanstalkd": ["beanstalkd"]}


def missing_packages(wanted):
    """They and what they need, as far as it is not installed."""
    asked = subprocess.run(["apt-get", "install", "-s", "-q", "--no-install-recommends"] + wanted, capture_output=True, text=True)
    return re.findall(r"^Inst (\S+)", asked.stdout, re.M)


def unpack_debian(folder, wanted, log, run_quietly, say):
    mark = os.path.join(folder, "unpacked-" + "-".join(sorted(wanted)))
    if os.path.exists(mark) or not wanted or not shutil.which("apt-get"):
        return
    downloads = os.path.join(folder, "downloads")
    os.makedirs(downloads, exist_ok=True)
    needed = missing_packages(wanted)
    say("unpacking into build/bench/peers: " + ", ".join(needed))
    if run_quietly(["apt-get", "download", "-q"] + needed, log, cwd=downloads):
        say("  apt-get could not fetch them; the peers that need them are left out")
        return
    for package in os.listdir(downloads):
        run_quietly(["dpkg", "-x", os.path.join(downloads, package), folder], log)
    shutil.rmtree(downloads)
    open(mark, "w").close()


def install_npm(folder, source, log, run_quietly, say):
    if not shutil.which("npm"):
        return say("no npm here: its peers are left out")
    listed = os.path.join(folder, "package.json")
    shutil.copy(os.path.join(source, "package.json"), listed + ".new")
    with open(listed + ".new") as new:
        same = os.path.exists(listed) and open(listed).read() == new.read()
    os.replace(listed + ".new", listed)
    if same and os.path.exists(os.path.join(folder, "node_modules")):
        return None
    say("installing npm packages into build/bench/peers")
    if run_quietly(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], log, cwd=folder):
        say("  npm failed; its peers are left out")
    return None


def prepare(bench, build, wanted, log, run_quietly, say):
    folder = os.path.join(build, "peers")
    source = os.path.join(bench, "durable")
    os.makedirs(folder, exist_ok=True)
    scripts = [f for f in os.listdir(source) if f.endswith((".mjs", ".py")) and f.rpartition(".")[0].replace("_", "-") in wanted]
    if scripts:
        shutil.copy(os.path.join(source, "peer.js"), folder)
    for script in scripts:
        shutil.copy(os.path.join(source, script), folder)
    if any(script.endswith(".mjs") for script in scripts):
        install_npm(folder, source, log, run_quietly, say)
    packages = sorted({package for peer in wanted for package in debian.get(peer, [])})
    unpack_debian(os.path.join(folder, "debian"), packages, log, run_quietly, say)


def python_environment(build):
    return {"PYTHONPATH": os.path.join(build, "peers", "debian", "usr", "lib", "python3", "dist-packages")}
