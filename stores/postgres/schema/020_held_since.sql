-- What runs is looked for from when the first of it began, not among all that has run since the last vacuum: the jobs of a worker that died,
-- those of one that stops, what takes a limit's places. A snapshot held open forbids the vacuum.

-- A claim reads `queue` first: when this is had, none is at work with what is replaced here.
lock table queue in access exclusive mode;
-- Nothing is written to `job` while this is made; leases are renewed.
create index job_since on job (queue, started) where state = 3;
drop index job_at_work;

-- No job that a worker holds, or will hold, started before this by the server's clock; each beat says it anew. 0: it may have
-- started at any time (what a worker of version 19 holds).
lock table worker in access exclusive mode;
alter table worker add column held_since bigint not null default 0;

-- With a lease to spare, and not at all if the clock was set back since the last beat: what was claimed then started earlier.
create function first_held(w worker, now bigint) returns bigint language sql immutable
as $$ select case when w.last_beat > now then 0 else w.held_since - w.lease end $$;

-- One worker and one queue after the other: a join of the three looked at all that is dead in the index.
create function held_by(whose bigint[], now bigint) returns bigint[] language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
    w worker%rowtype;
    name text;
    held bigint[] := '{}';
begin
    for w in select * from worker where id = any (whose) loop
        foreach name in array w.queues loop
            held := held || array(select id from job where queue = name and state = 3 and started >= first_held(w, now) and worker = w.id);
        end loop;
    end loop;
    return held;
end $$;

-- As in 013; and since when it holds jobs. Null: it holds none, and has never heard the server's time, which is told beside its lease.
create function beat(me bigint, called text, for_queues text[], speaks bigint, for_us bigint, crew integer, at_work integer, done bigint,
                     broken bigint, ids bigint[], epochs bigint[], since bigint)
returns table (id bigint, epoch bigint, lost boolean, wanted integer, at bigint) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    now bigint := now_us();
    size integer;
    good boolean;
begin
    select not w.gone and w.expires > now, w.wanted into good, size from worker w where w.id = me for no key update;
    insert into worker as w (id, name, queues, version, started, last_beat, lease, expires, workers, busy, completed, failed, good_since,
                             held_since)
        values (me, called, for_queues, speaks, now, now, for_us, now + for_us, crew, at_work, done, broken, now, coalesce(since, now))
        on conflict (id) do update
            set last_beat = now, expires = now + for_us, gone = false, workers = crew, busy = at_work, completed = done, failed = broken,
                held_since = case when w.last_beat > now then 0 else coalesce(since, now) end,
                good_since = case when good then least(w.good_since, now) else now end;  -- least: the clock was set back
    perform refuse_old(speaks);  -- after the row is written, which waits for a migration that is at work
    return query select null::bigint, null::bigint, not coalesce(good, false), size, now;
    return query
        select h.id, h.epoch, j.id is null, null::integer, null::bigint
        from unnest(ids, epochs) as h (id, epoch)
        left join job j on j.id = h.id and j.epoch = h.epoch and j.worker = me
        where j.id is null or j.cancel_asked;
end $$;

-- For the workers of version 19.
create or replace function beat(me bigint, called text, for_queues text[], speaks bigint, for_us bigint, crew integer, at_work integer, done bigint,
                                broken bigint, ids bigint[], epochs bigint[])
returns table (id bigint, epoch bigint, lost boolean, wanted integer) language sql as $$
    select b.id, b.epoch, b.lost, b.wanted
    from beat(me, called, for_queues, speaks, for_us, crew, at_work, done, broken, ids, epochs, 0) b
$$;

-- As in 006.
create or replace function forgotten(me bigint, ids bigint[], epochs bigint[]) returns setof claimed language sql
set enable_seqscan = off as $$
    select j.id, j.epoch, j.okey, j.inserted, j.run_at, j.timeout, j.attempts, j.crashes, j.late, j.has_steps, j.kind, j.queue, j.key,
           j.arguments, j.arguments_type, j.tags, j.retry
    from job j where j.id = any ((select held_by(array[me], now_us()))::bigint[]) and j.state = 3 and j.worker = me
      and not exists (select from unnest(ids, epochs) as h (id, epoch) where h.id = j.id and h.epoch = j.epoch)
    order by j.okey, j.id
$$;

-- As in 019.
create or replace function sign_off(me bigint) returns void language plpgsql set enable_seqscan = off as $$
declare
    held bigint[] := held_by(array[me], now_us());
    ids bigint[]; epochs bigint[];
begin
    select coalesce(array_agg(id), '{}'), array_agg(epoch) into ids, epochs from job where id = any (held) and state = 3 and worker = me;
    perform sign_off(me, ids, epochs);
end $$;

-- As in 013: the jobs of workers that died go back, or are dead when that has happened `cap` times.
create function bury(ids bigint[], cap integer, most_errors integer) returns bigint language plpgsql set enable_seqscan = off as $$
declare
    now bigint := now_us();
    doomed bigint[]; awake text[];
begin
    if cardinality(ids) = 0 then return 0; end if;
    update job set crashes = crashes + 1 where id = any (ids);
    perform note_failures(now, array_agg(id), array_agg(epoch), array_agg(0), array_agg(started), array_agg(worker_name),
                          array_agg(convert_to('its worker died', 'UTF8')), most_errors)
        from job where id = any (ids);
    doomed := array(select id from job where id = any (ids) and cancel_asked);
    if cardinality(doomed) > 0 then perform finish_as(doomed, 6::smallint); end if;
    doomed := array(select id from job where id = any (ids) and crashes >= cap);
    if cardinality(doomed) > 0 then perform finish_as(doomed, 7::smallint); end if;
    with back as (
        update job set state = 2, worker = null, ended = null, late = true
            where id = any (ids) returning queue),
    counted as (
        insert into tally (queue, running, available) select queue, -count(*), count(*) from back group by queue)
    select array_agg(distinct queue) into awake from back;
    perform ring(awake);
    return cardinality(ids);
end $$;

-- As in 013.
create or replace function rescue(me bigint, good_for bigint, cap integer, most_errors integer) returns bigint language plpgsql
set enable_seqscan = off as $$
declare
    now bigint := now_us();
    up bigint := now - (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint;
    unbroken bigint;
    fallen bigint[]; held bigint[];
begin
    if up >= 0 then good_for := least(good_for, up); end if;  -- below: the clock was set back since the server came up
    select least(good_for, now - good_since) into unbroken from worker where id = me and not gone and expires > now;
    if not exists (select from worker where id = me and lease <= unbroken) then return 0; end if;
    -- Where the clock was set back, leases are left that would end when it has come so far again: they begin anew.
    update worker set expires = now + lease, held_since = 0 where not gone and expires > now + 2 * lease;
    -- A worker that is claiming at this moment holds its row, and is passed over.
    fallen := array(select id from worker where not gone and expires <= now and lease <= unbroken for update skip locked);
    if cardinality(fallen) = 0 then return 0; end if;
    update worker set gone = true where id = any (fallen);
    delete from sleeper where worker = any (fallen);
    held := held_by(fallen, now);
    return bury(array(select id from job where id = any (held) and state = 3 and worker = any (fallen) order by id for update), cap,
                most_errors);
end $$;

-- The jobs of workers that are not there: somebody has deleted the row by hand, or the clock was set where nobody noticed. All that
-- runs is looked at.
create function strays(cap integer, most_errors integer) returns bigint language sql set enable_seqscan = off as $$
    select bury(array(select j.id from job j where j.state = 3 and not exists (select from worker w where w.id = j.worker and not w.gone)
                      order by j.id for update of j), cap, most_errors)
$$;

-- `runs_from` was the lowest number of what runs, and is the time at which the first of it started: no job that starts later has an
-- earlier one. What was claimed while there were no limits, by a transaction that committed late, is found when it is no longer believed.
create or replace function lowest_running(q queue, now bigint) returns bigint language plpgsql stable as $$
begin
    if is_trusted(q.runs_trusted, now) then return q.runs_from; end if;
    return coalesce((select min(first_held(w, now)) from worker w where not w.gone and q.name = any (w.queues)), 0);
end $$;

create or replace function note_running(q queue, places tid[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
    lowest bigint := (select started from job where queue = q.name and state = 3 and started >= lowest_running(q, now)
                      order by started limit 1);
begin
    update queue set runs_from = least(lowest, now),  -- those at `places` start now
                     runs_trusted = case when is_trusted(q.runs_trusted, now) then q.runs_trusted else believed_until(now) end
        where name = q.name;
end $$;

-- As in 004.
create or replace function room_of_key(q queue, key text, wanted integer, tokens double precision, filled bigint) returns integer
language sql stable as $$
    select least(
        wanted,
        case when q.rate_per_key > 0
             then floor(refilled(tokens, filled, q.rate_per_key, q.burst_per_key, now_us()) + 1e-9)::integer end,
        case when q.running_per_key > 0
             then q.running_per_key - (select count(*) from (select from job j where j.queue = q.name and j.key = room_of_key.key
                                                             and j.state = 3 and j.started >= (select lowest_running(q, now_us()))
                                                             limit q.running_per_key) r)::integer end)
$$;

-- As in 018.
create or replace function room(q queue, wanted integer, e ends_beside) returns integer language plpgsql as $$
declare
    now bigint := now_us();
begin
    if q.running > 0 then
        wanted := least(wanted, q.running - (select count(*) from (select from job j where j.queue = q.name and j.state = 3
                                                                   and j.started >= lowest_running(q, now)
                                                                   and not is_among(e, j.worker, j.id, j.epoch) limit q.running) r)::integer);
    end if;
    if q.rate > 0 then
        wanted := least(wanted, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now) + 1e-9)::integer);
    end if;
    return greatest(wanted, 0);
end $$;

-- As in 018.
create or replace function first_in_turn(q queue, most integer, now bigint, e ends_beside) returns line_of_keys language plpgsql as $$
declare
    width integer := case when q.fair then most + 50 end;
    top text := (select j.key from job j where j.queue = q.name and j.state = 2 and j.crashes = 0 order by j.key desc limit 1);
    round_at text := least(q.next_key, top);
    keys text[];
    busy text[] := '{}';
    late text[];
    is_all boolean;
    l line_of_keys;
begin
    if q.running > 0 or q.running_per_key > 0 then
        busy := array(select j.key from job j where j.queue = q.name and j.state = 3 and j.started >= lowest_running(q, now)
                                                  and not is_among(e, j.worker, j.id, j.epoch));
        if q.running > 0 then most := least(most, q.running - cardinality(busy)); end if;
    end if;
    if top is null or most <= 0 then return null; end if;
    select case when count(*) < 100 then coalesce(array_agg(f.key), '{}') end into late
        from (select j.key from job j where j.queue = q.name and j.late and j.state = 2 and j.crashes = 0
              order by j.okey, j.id limit 100) f;
    loop
        keys := keys_down(q.name, round_at, null, width);
        is_all := (cardinality(keys) < width) is not false;
        if is_all and round_at < top then
            keys := keys || keys_down(q.name, top, round_at, width - cardinality(keys));
            is_all := (cardinality(keys) < width) is not false;
        end if;
        loop
            l := line_up(q, most, keys, is_all, round_at, l.piece, busy, late, now);
            exit when not l.too_few and (late is null or not l.missed);
            if l.missed then late := null; end if;
            l.piece := case when l.too_few then l.piece * 4 end;
        end loop;
        exit when is_all or cardinality(l.places) >= most;
        width := width * 4;
        l.piece := null;
    end loop;
    return l;
end $$;

-- As in 004.
create or replace function wait_for_rate(q queue, now bigint) returns bigint language plpgsql as $$
declare
    wait double precision := 0;
    by_key double precision;
begin
    if not exists (select from job where queue = q.name and state = 2)
       or q.running > 0 and q.running <= (select count(*) from (select from job where queue = q.name and state = 3
                                                                 and started >= lowest_running(q, now) limit q.running) r)
    then return null; end if;
    if q.rate > 0 then
        wait := (1 - refilled(q.tokens, q.filled, q.rate, q.burst, now)) / q.rate;
    end if;
    if q.rate_per_key > 0 then
        select min((1 - refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now)) / q.rate_per_key) into by_key
            from key_share s where s.queue = q.name
            and exists (select from job j where j.queue = q.name and j.key = s.key and j.state = 2 and j.crashes = 0);  -- the others have a token
        wait := greatest(wait, by_key);
    end if;
    return case when wait > 0 then ceil(wait * 1000000)::bigint end;
end $$;
