"""Jobs from Python, by psycopg2 (Debian: python3-psycopg2):

    python3 enqueue.py postgres://USER@HOST/DATABASE
"""
import json
import sys

import psycopg2

INSERT = "select gristmill.insert(%s, %s, queue => %s, priority => %s, unique_key => %s)"

db = psycopg2.connect(sys.argv[1])
with db, db.cursor() as ask:
    ask.execute(
        "create table if not exists orders (id bigint generated always as identity primary key, customer text not null)"
    )

# The order and its job, or neither: `with db` is one transaction.
with db, db.cursor() as ask:
    ask.execute("insert into orders (customer) values (%s) returning id", ["ann"])
    order = ask.fetchone()[0]
    ask.execute("select gristmill.insert(%s, %s)", ["order.confirm", json.dumps({"order": order, "to": "ann"})])
    job = ask.fetchone()[0]
print(f"order {order}: job {job}")

try:
    with db, db.cursor() as ask:
        ask.execute("select gristmill.insert(%s, %s)", ["order.confirm", json.dumps({"order": 0, "to": "nobody"})])
        raise LookupError("the order is not valid after all")
except LookupError:
    pass  # rolled back, and the job with it

# At most one report waits or runs: the second call is told who has the key.
for word in "report", "again":
    with db, db.cursor() as ask:
        ask.execute(INSERT, ["report", "{}", "reports", 5, "daily"])
        print(f"{word}: job {ask.fetchone()[0]}")
