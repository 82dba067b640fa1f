-- What is kept. Every file here runs with the schema first in the search path and never names it, so that it may be called
-- anything. Times are microseconds since 1970: they pass between the server and its workers without a rounding.

create table meta (
    version bigint not null,       -- how many of these files have run
    least_worker bigint not null,  -- a worker that speaks an older version may not use this schema
    at timestamptz not null default now()
);

create sequence job_number;
create sequence worker_number;

create function now_us() returns bigint language sql volatile parallel safe
as $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;

-- The jobs that are not over. `okey` is the order in which they start: run_at minus a minute for each step of priority.
--
-- `late` is whatever does not join the queue at its end: it has a priority, or was given back. The others come in the order of okey, so a worker that has claimed up to one may look for the next from there
-- (its low water) and never walks over what was claimed before. While a forgotten snapshot keeps the dead entries of an index
-- alive, that is the difference between 90,000 and 1,400 jobs a second.
create table job (
    id bigint primary key,
    okey bigint not null,
    run_at bigint not null,
    inserted bigint not null,
    started bigint not null default 0,
    epoch bigint not null default 0,  -- rises with each claim, never falls
    worker bigint,
    timeout bigint not null default 0,
    unique_window bigint,
    attempts integer not null default 0,
    crashes integer not null default 0,
    interruptions integer not null default 0,
    priority smallint not null,
    state smallint not null,
    ended smallint,  -- the verdict on the last claim: the same one again is told the same
    orphaned smallint not null default 0,
    unique_until smallint,
    late boolean not null,
    cancel_asked boolean not null default false,
    overlapping boolean not null default false,
    has_children boolean not null default false,
    has_steps boolean not null default false,
    progress double precision not null default 0,
    kind text collate "C" not null,
    queue text collate "C" not null,
    key text collate "C" not null,
    arguments bytea not null,
    arguments_type text collate "C",
    tags text[] collate "C",
    retry double precision[],  -- attempts, first, factor, longest, jitter; times in microseconds
    unique_key text collate "C",
    after bigint[],
    worker_name text collate "C",
    note bytea,
    constraint job_is_not_over check (state between 0 and 4),
    constraint job_runs_by_a_worker check ((state = 3) = (worker is not null)),
    constraint job_waits_for_parents check (state <> 0 or after is not null),
    constraint job_has_a_priority check (priority between -100 and 100)
) with (
    -- Every job leaves two dead rows behind: what is due after a thousand of them is cheap, and after a fifth of a large table is not.
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 2000,
    toast.autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_cost_delay = 0
);
create index job_ready on job (queue, late, okey, id) where state = 2 and crashes = 0;
create index job_ready_by_key on job (queue, key, okey, id) where state = 2 and crashes = 0;
create index job_suspect on job (queue, okey, id) where state = 2 and crashes > 0;
create index job_due on job (queue, run_at) where state in (1, 4);
create index job_running on job (queue, key) where state = 3;

-- The jobs that are over. The columns of a job, and three more.
create table finished (
    like job including defaults,
    finished bigint not null,
    result bytea,
    result_type text collate "C",
    constraint finished_is_over check (state between 5 and 7),
    constraint finished_has_no_worker check (worker is null)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.2);
alter table finished add primary key (id);
create index finished_by_end on finished (state, finished);

create view every_job as
select *, 0::bigint as finished, null::bytea as result, null::text collate "C" as result_type from job
union all
select * from finished;

-- Attempts that did not end well, by the claim. `attempt` is 0 where it does not count.
create table failure (
    job bigint not null,
    epoch bigint not null,
    attempt integer not null,
    started bigint not null,
    ended bigint not null,
    worker_name text not null,
    error bytea not null,
    primary key (job, epoch)
);

-- A child waits as long as it has a row here. A parent that somebody waits for is not removed.
create table dependency (
    child bigint not null,
    parent bigint not null,
    primary key (child, parent)
);
create index dependency_by_parent on dependency (parent);

-- Who has a unique key. A row of its own: a window outlives the job and its retention.
create table unique_key (
    kind text collate "C" not null,
    key text collate "C" not null,
    job bigint not null,
    expires bigint,  -- of a window
    primary key (kind, key)
);
create index unique_key_expires on unique_key (expires) where expires is not null;

-- A row for each incarnation of a worker process: its lease is the lease of all that it holds.
create table worker (
    id bigint primary key,
    name text not null,
    queues text[] not null,
    version bigint not null,
    started bigint not null,
    last_beat bigint not null,
    lease bigint not null,
    expires bigint not null,
    gone boolean not null default false,  -- signed off, or declared dead
    workers integer not null default 0,
    busy integer not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    wanted integer
) with (fillfactor = 50);

-- Workers that have nothing to do in a queue: an insert notifies only if there is one. NOTIFY serialises the commits of
-- all who use it (13,926 a second became 872).
create table sleeper (
    queue text collate "C" not null,
    worker bigint not null,
    primary key (queue, worker)
);

create table queue (
    name text collate "C" primary key,
    paused boolean not null default false,
    running integer not null default 0,  -- limits; 0: none
    running_per_key integer not null default 0,
    rate double precision not null default 0,
    burst integer not null default 1,
    rate_per_key double precision not null default 0,
    burst_per_key integer not null default 1,
    fair boolean not null default false,
    weights jsonb not null default '{}',
    tokens double precision,  -- of the rate of the whole queue; null: full
    filled bigint not null default 0,
    had double precision not null default 0  -- how far the fair shares of its keys have come
) with (fillfactor = 50);

-- What a key of a queue with shares or a rate for each key has had.
create table key_share (
    queue text collate "C" not null,
    key text collate "C" not null,
    served double precision not null default 0,
    tokens double precision,
    filled bigint not null default 0,
    primary key (queue, key)
) with (fillfactor = 50);

-- Counters are deltas that are appended, and folded by the sweep: a row that everybody updates would make them queue up.
create table tally (
    queue text collate "C" not null,
    waiting bigint, scheduled bigint, available bigint, running bigint, retrying bigint,
    completed bigint, cancelled bigint, dead bigint,
    ever_completed bigint, ever_failed bigint
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create table counted (
    queue text collate "C" primary key,
    waiting bigint not null, scheduled bigint not null, available bigint not null, running bigint not null,
    retrying bigint not null, completed bigint not null, cancelled bigint not null, dead bigint not null,
    ever_completed bigint not null, ever_failed bigint not null
) with (fillfactor = 50);

create table cron (
    name text collate "C" primary key,
    line text not null,
    zone text not null,
    policy smallint not null,
    paused boolean not null,
    next bigint not null,
    last bigint,
    -- the job
    kind text not null, queue text not null, key text not null,
    arguments bytea not null, arguments_type text not null,
    priority smallint not null, tags text[] not null, timeout bigint not null, retry double precision[],
    unique_key text, unique_until smallint, unique_window bigint
);

create table step (
    job bigint not null,
    name text collate "C" not null,
    ordinal bigint generated always as identity,
    result bytea not null,
    result_type text not null,
    primary key (job, name)
);

-- The log of a claim: its first half as it came, its last half in pieces of which the oldest go.
create table log (
    job bigint not null,
    epoch bigint not null,
    head bytea not null,
    tail bytea not null,
    left_out bigint not null default 0,
    primary key (job, epoch)
);

create table setting (
    completed_for bigint not null default 86400000000,
    cancelled_for bigint not null default 86400000000,
    dead_for bigint not null default 604800000000
);
insert into setting default values;
