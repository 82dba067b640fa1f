"""Celery on Redis, with every write on the disk before it is answered (appendfsync always) and late acknowledgement: ten workers in
processes, as it comes."""

import os
import sys
import threading
import time

quick = bool(os.environ.get("BENCH_QUICK"))
scheme = os.environ.get("BENCH_STORE", "memory:").partition(":")[0]


def not_available(why):
    print("n/a " + why)
    sys.exit(3)


if scheme == "memory":
    not_available("it keeps its jobs outside of the process")
if not os.environ.get("BENCH_REDIS"):
    not_available("no redis-server is here")
try:
    import redis
    from celery import Celery
except ImportError as why:
    not_available("it is not installed: %s" % why)

url = "redis://127.0.0.1:%s/0" % os.environ["BENCH_REDIS"]
app = Celery("bench", broker=url)
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=100, worker_hijack_root_logger=False,
                broker_connection_retry_on_startup=True)
counter = redis.Redis.from_url(url, db=1)


@app.task(name="noop")
def noop(arguments):
    counter.incr("ran")


def payload(number):
    return {"n": 10 ** 9 + number, "filler": "0123456789" * 7}


def scaled(n):
    return n // 10 if quick else n


def insert_singly(name, n, inserters=10):
    took = []

    def insert(first):
        for number in range(first, n, inserters):
            start = time.perf_counter()
            noop.delay(payload(number))
            took.append((time.perf_counter() - start) * 1e6)

    threads = [threading.Thread(target=insert, args=(i,)) for i in range(inserters)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(name, n / (time.perf_counter() - start), "jobs/s")
    took.sort()
    print(name + "/p50", took[n // 2], "us")
    print(name + "/p99", took[n * 99 // 100], "us")


def drain(name, n):
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(n):
            noop.apply_async((payload(number),), producer=producer)
    start = time.perf_counter()
    if os.fork() == 0:
        os.dup2(2, 1)
        app.worker_main(["worker", "--concurrency=10", "--loglevel=CRITICAL", "--without-gossip", "--without-mingle",
                         "--without-heartbeat"])
        os._exit(0)
    while int(counter.get("ran") or 0) < n:
        time.sleep(0.01)
    print(name, n / (time.perf_counter() - start), "jobs/s", flush=True)
    app.control.shutdown()
    os.wait()


case = sys.argv[1]
name = case.replace("/", "/%s/" % scheme)
if case == "D1/single":
    insert_singly(name, scaled(10_000))
elif case == "D2/drain":
    drain(name, scaled(10_000))
else:
    not_available("it has no such case here")
