-- The jobs of gristmill in one SQLite file. Times are microseconds since 1970 on the wall clock, states are numbered as in
-- state.hpp. Hot jobs and finished ones live apart, so that what is finished costs a claim nothing.

CREATE TABLE gm_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO gm_meta VALUES
    ('version', 0),       -- of this schema
    ('least_worker', 0),  -- the least version of a program that may use it
    ('next_id', 1),       -- of a job: ids rise, and none is used twice
    ('next_worker', 1),
    ('retain_completed', 86400000000),
    ('retain_cancelled', 86400000000),
    ('retain_dead', 604800000000);

-- Kinds and workers by number: a job holds a byte or two instead of a name.
CREATE TABLE gm_names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE gm_queues (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    -- limits; 0: none
    most_running INTEGER NOT NULL DEFAULT 0,
    most_running_key INTEGER NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    burst INTEGER NOT NULL DEFAULT 1,
    rate_key REAL NOT NULL DEFAULT 0,
    burst_key INTEGER NOT NULL DEFAULT 1,
    fair INTEGER NOT NULL DEFAULT 0 CHECK (fair IN (0, 1)),
    -- the bucket of `rate`, and where the fair shares have come to
    tokens REAL NOT NULL DEFAULT 0,
    refilled INTEGER NOT NULL DEFAULT 0,
    turn REAL NOT NULL DEFAULT 0,
    -- how many jobs there are in each state, kept up in the transaction that moves them
    waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    scheduled INTEGER NOT NULL DEFAULT 0 CHECK (scheduled >= 0),
    available INTEGER NOT NULL DEFAULT 0 CHECK (available >= 0),
    running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
    retrying INTEGER NOT NULL DEFAULT 0 CHECK (retrying >= 0),
    completed INTEGER NOT NULL DEFAULT 0 CHECK (completed >= 0),
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    dead INTEGER NOT NULL DEFAULT 0 CHECK (dead >= 0),
    -- ever
    ever_completed INTEGER NOT NULL DEFAULT 0,
    ever_failed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE gm_weights (
    queue INTEGER NOT NULL, key TEXT NOT NULL, weight REAL NOT NULL CHECK (weight > 0), PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;

-- Of queues with fair shares or limits for each key: where each key stands. A claim reads the heads of the keys that are open,
-- never what is piled up behind a closed one. A row that says nothing any more is removed.
CREATE TABLE gm_keys (
    queue INTEGER NOT NULL,
    key TEXT NOT NULL,
    head INTEGER,               -- the rank of its first available job,
    head_job INTEGER,           -- and which one that is
    running INTEGER NOT NULL CHECK (running >= 0),
    served REAL NOT NULL,       -- what it has had of the fair shares, by its weight
    tokens REAL NOT NULL,       -- the bucket of rate_key
    refilled INTEGER NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),  -- it has a head, and no limit holds it
    opens INTEGER,              -- when its rate lets it go on, if nothing else holds it
    PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX gm_keys_open ON gm_keys (queue, served, head, head_job) WHERE open = 1;
CREATE INDEX gm_keys_opens ON gm_keys (queue, opens) WHERE opens IS NOT NULL;

-- What is not over. A claim changes `state` and `epoch` only, which keeps the row's size: it is written in its place.
CREATE TABLE gm_jobs (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    queue INTEGER NOT NULL,
    rank INTEGER NOT NULL CHECK (rank = run_at - priority * 60000000),  -- claims go by it
    epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),                -- how often it was claimed
    kind INTEGER NOT NULL,
    key TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    run_at INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    crashes INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    interruptions INTEGER NOT NULL DEFAULT 0 CHECK (interruptions >= 0),
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    children INTEGER NOT NULL DEFAULT 0,   -- others came after it at some time
    has_steps INTEGER NOT NULL DEFAULT 0,
    has_past INTEGER NOT NULL DEFAULT 0,   -- attempts, logs or steps are kept
    blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked >= 0 AND (blocked > 0) = (state = 0)),
    orphaned INTEGER NOT NULL DEFAULT 0,
    type TEXT NOT NULL DEFAULT '',
    timeout INTEGER NOT NULL DEFAULT 0,
    arguments BLOB NOT NULL,
    tags TEXT,          -- a JSON array
    retry TEXT,         -- a JSON array: attempts, first, factor, longest, jitter
    unique_key TEXT,
    unique_until INTEGER,
    unique_window INTEGER,
    -- of the last claim that was settled, not of one whose worker died
    verdict INTEGER,
    verdict_epoch INTEGER,
    overlapping INTEGER NOT NULL DEFAULT 0,
    ran_by INTEGER,
    started INTEGER,
    progress REAL,
    note TEXT
) STRICT;
-- Available, by order of claim. Jobs with a key stand in two: by rank, and by rank behind their key.
CREATE INDEX gm_ready ON gm_jobs (queue, rank) WHERE state = 2 AND crashes = 0 AND key = '';
CREATE INDEX gm_ready_keyed ON gm_jobs (queue, rank) WHERE state = 2 AND crashes = 0 AND key <> '';
CREATE INDEX gm_ready_key ON gm_jobs (queue, key, rank) WHERE state = 2 AND crashes = 0 AND key <> '';
CREATE INDEX gm_suspect ON gm_jobs (queue, rank) WHERE state = 2 AND crashes > 0;
CREATE INDEX gm_due ON gm_jobs (queue, run_at) WHERE state IN (1, 4);

-- Who runs what: in a table of its own, small and hot, found by worker.
CREATE TABLE gm_running (
    worker INTEGER NOT NULL, job INTEGER NOT NULL, ran_by INTEGER NOT NULL, started INTEGER NOT NULL,
    PRIMARY KEY (worker, job)
) STRICT, WITHOUT ROWID;

-- What is over: the same columns as far as they still mean something.
CREATE TABLE gm_finished (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 5 AND 7),
    queue INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    cancel_asked INTEGER NOT NULL,
    children INTEGER NOT NULL,
    has_steps INTEGER NOT NULL,
    has_past INTEGER NOT NULL,
    orphaned INTEGER NOT NULL,
    type TEXT NOT NULL,
    timeout INTEGER NOT NULL,
    arguments BLOB NOT NULL,
    tags TEXT,
    retry TEXT,
    unique_key TEXT,
    unique_until INTEGER,
    unique_window INTEGER,
    verdict INTEGER,
    verdict_epoch INTEGER,
    overlapping INTEGER NOT NULL,
    ran_by INTEGER,
    started INTEGER,
    progress REAL,
    note TEXT,
    finished INTEGER NOT NULL,
    result BLOB NOT NULL DEFAULT x'',
    result_type TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX gm_finished_at ON gm_finished (state, finished);
CREATE INDEX gm_finished_badly ON gm_finished (state) WHERE state <> 5;

-- Keys outlive the jobs that took them.
CREATE TABLE gm_unique (
    kind INTEGER NOT NULL, key TEXT NOT NULL, job INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX gm_unique_expires ON gm_unique (expires) WHERE expires IS NOT NULL;

-- child comes after parent. `done`: it does not wait for it (any more).
CREATE TABLE gm_parents (
    child INTEGER NOT NULL, parent INTEGER NOT NULL, done INTEGER NOT NULL CHECK (done IN (0, 1)),
    PRIMARY KEY (child, parent)
) STRICT, WITHOUT ROWID;
CREATE INDEX gm_parents_waited_for ON gm_parents (parent, child) WHERE done = 0;

CREATE TABLE gm_attempts (
    job INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,
    started INTEGER NOT NULL, ended INTEGER NOT NULL, ran_by INTEGER, error TEXT NOT NULL,
    PRIMARY KEY (job, epoch)
) STRICT, WITHOUT ROWID;

-- A log is its first half, in chunks, and its last half, in chunks from the front of which is cut what is too much.
CREATE TABLE gm_logs (
    job INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    left_out INTEGER NOT NULL, PRIMARY KEY (job, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE gm_log_chunks (
    job INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL, last INTEGER NOT NULL, text BLOB NOT NULL,
    PRIMARY KEY (job, epoch, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE gm_steps (
    job INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, result BLOB NOT NULL, type TEXT NOT NULL,
    PRIMARY KEY (job, number), UNIQUE (job, name)
) STRICT, WITHOUT ROWID;

-- A worker process. Its lease is good until `until` on the boot clock of that boot, and as long as its byte of the side file
-- is locked.
CREATE TABLE gm_workers (
    number INTEGER PRIMARY KEY,
    name INTEGER NOT NULL,
    version INTEGER NOT NULL,  -- of its program: a migration that it could not live with waits for its end
    queues TEXT NOT NULL,      -- a JSON array
    boot TEXT NOT NULL,
    lease INTEGER NOT NULL,
    until INTEGER NOT NULL,
    started INTEGER NOT NULL,
    last_beat INTEGER NOT NULL,
    workers INTEGER NOT NULL DEFAULT 0,
    busy INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    wanted INTEGER
) STRICT;

CREATE TABLE gm_cron (
    name TEXT PRIMARY KEY,
    line TEXT NOT NULL,
    zone TEXT NOT NULL,
    policy INTEGER NOT NULL CHECK (policy BETWEEN 0 AND 2),
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    next INTEGER NOT NULL,
    last INTEGER,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    key TEXT NOT NULL,
    priority INTEGER NOT NULL,
    type TEXT NOT NULL,
    arguments BLOB NOT NULL,
    tags TEXT,
    timeout INTEGER NOT NULL,
    retry TEXT,
    unique_key TEXT,
    unique_until INTEGER,
    unique_window INTEGER
) STRICT, WITHOUT ROWID;
