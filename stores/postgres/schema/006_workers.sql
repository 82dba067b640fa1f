-- Workers and their leases, and the housekeeping that any of them does.

-- A migration that takes something away waits until the workers that need it are gone (schema.cpp). One that comes back after it,
-- from a long sleep, is told so.
create function refuse_old(speaks bigint) returns void language plpgsql as $$
declare
    wanted bigint := (select max(least_worker) from meta);
begin
    if speaks < wanted then
        raise exception 'this program is of version %, and the schema % is for version % and up: update the program',
            speaks, current_schema(), wanted using errcode = 'GM002';
    end if;
end $$;

-- Renews the lease. A worker that was declared dead lives again: what it held is with others, by another epoch. The first row is about
-- the worker: whether its lease had passed, and the crew that somebody wants of it. Each other one is about a claim that it
-- holds: it is no longer its own, or somebody asked to cancel it.
create function beat(me bigint, called text, for_queues text[], speaks bigint, for_us bigint, crew integer, at_work integer, done bigint,
                     broken bigint, ids bigint[], epochs bigint[])
returns table (id bigint, epoch bigint, lost boolean, wanted integer) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    now bigint := now_us();
    size integer;
    good boolean;
begin
    select not w.gone and w.expires > now, w.wanted into good, size from worker w where w.id = me for no key update;
    insert into worker as w (id, name, queues, version, started, last_beat, lease, expires, workers, busy, completed, failed)
        values (me, called, for_queues, speaks, now, now, for_us, now + for_us, crew, at_work, done, broken)
        on conflict (id) do update
            set last_beat = now, expires = now + for_us, gone = false, workers = crew, busy = at_work, completed = done, failed = broken;
    perform refuse_old(speaks);  -- after the row is written, which waits for a migration that is at work
    return query select null::bigint, null::bigint, not coalesce(good, false), size;
    return query
        select h.id, h.epoch, j.id is null, null::integer
        from unnest(ids, epochs) as h (id, epoch)
        left join job j on j.id = h.id and j.epoch = h.epoch and j.worker = me
        where j.id is null or j.cancel_asked;
end $$;

-- What the worker holds by our books and does not know of: an answer was lost.
create function forgotten(me bigint, ids bigint[], epochs bigint[]) returns setof claimed language sql as $$
    select j.id, j.epoch, j.okey, j.inserted, j.run_at, j.timeout, j.attempts, j.crashes, j.late, j.has_steps, j.kind, j.queue, j.key,
           j.arguments, j.arguments_type, j.tags, j.retry
    from job j where j.state = 3 and j.worker = me
      and not exists (select from unnest(ids, epochs) as h (id, epoch) where h.id = j.id and h.epoch = j.epoch)
    order by j.okey, j.id
$$;

-- It stops: what it still holds goes back as it came.
create function sign_off(me bigint) returns void language plpgsql set enable_seqscan = off as $$
declare
    ids bigint[]; epochs bigint[];
begin
    select array_agg(id), array_agg(epoch) into ids, epochs from job where state = 3 and worker = me;
    if ids is not null then
        perform settle(me, ids, epochs, array_fill(5::smallint, array[cardinality(ids)]), null, null,
                       array_fill(false, array[cardinality(ids)]), null, null, null, 10);
    end if;
    delete from sleeper where worker = me;
    delete from worker where id = me;
end $$;

-- The jobs of workers whose lease ran out go back, or are dead when that has happened `cap` times. `good_for` is how long the beats of who asks
-- have succeeded without a gap: after an outage of the server everybody looks dead, and nobody is.
create function rescue(me bigint, good_for bigint, cap integer, most_errors integer) returns bigint language plpgsql set enable_seqscan = off as $$
declare
    now bigint := now_us();
    up bigint := now - (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint;
    fallen bigint[];
    ids bigint[]; doomed bigint[]; awake text[];
begin
    if up >= 0 then good_for := least(good_for, up); end if;  -- below: the clock was set back since the server came up
    if not exists (select from worker where id = me and not gone and expires > now and lease <= good_for) then return 0; end if;
    -- Where the clock was set back, leases are left that would end when it has come so far again: they begin anew.
    update worker set expires = now + lease where not gone and expires > now + 2 * lease;
    -- A worker that is claiming at this moment holds its row, and is passed over.
    fallen := array(select id from worker where not gone and expires <= now and lease <= good_for for update skip locked);
    if cardinality(fallen) = 0 then return 0; end if;
    update worker set gone = true where id = any (fallen);
    delete from sleeper where worker = any (fallen);
    ids := array(select id from job where state = 3 and worker = any (fallen) order by id for update);
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

-- Removes up to `most` finished jobs, and all that hangs on them. A parent that somebody waits for stays.
create function remove_finished(ids bigint[]) returns bigint language plpgsql as $$
declare
    gone bigint[];
begin
    with g as (
        delete from finished f where f.id = any (ids) and not exists (select from dependency where parent = f.id) returning *),
    counted as (
        insert into tally (queue, completed, cancelled, dead)
            select queue, -count(*) filter (where state = 5), -count(*) filter (where state = 6), -count(*) filter (where state = 7)
            from g group by queue)
    select array_agg(id) into gone from g;
    delete from failure where job = any (gone);
    delete from step where job = any (gone);
    delete from log where job = any (gone);
    return coalesce(cardinality(gone), 0);
end $$;

create function retire(most integer) returns bigint language plpgsql set enable_seqscan = off as $$
declare
    now bigint := now_us();
    keep setting%rowtype;
    ids bigint[];
begin
    select * into keep from setting;
    ids := array(
        select o.id from (values (5::smallint, keep.completed_for), (6::smallint, keep.cancelled_for), (7::smallint, keep.dead_for))
                         as k (state, span),
            lateral (select f.id from finished f
                     where f.state = k.state and f.finished < now - k.span
                       and not exists (select from dependency where parent = f.id)
                     order by f.finished limit most for update skip locked) o);
    if cardinality(ids) = 0 then return 0; end if;
    return remove_finished(ids);
end $$;

-- The appended deltas become sums. One at a time: the others need not wait for it.
create function fold() returns void language sql as $$
    with mine as materialized (select pg_try_advisory_xact_lock(hashtext(current_schema() || '.fold')) as mine),
    d as (delete from tally using mine where mine.mine returning tally.*)
    insert into counted as c
        select queue, coalesce(sum(waiting), 0), coalesce(sum(scheduled), 0), coalesce(sum(available), 0), coalesce(sum(running), 0),
               coalesce(sum(retrying), 0), coalesce(sum(completed), 0), coalesce(sum(cancelled), 0), coalesce(sum(dead), 0),
               coalesce(sum(ever_completed), 0), coalesce(sum(ever_failed), 0)
        from d group by queue
        on conflict (queue) do update
            set waiting = c.waiting + excluded.waiting, scheduled = c.scheduled + excluded.scheduled,
                available = c.available + excluded.available, running = c.running + excluded.running,
                retrying = c.retrying + excluded.retrying, completed = c.completed + excluded.completed,
                cancelled = c.cancelled + excluded.cancelled, dead = c.dead + excluded.dead,
                ever_completed = c.ever_completed + excluded.ever_completed, ever_failed = c.ever_failed + excluded.ever_failed
$$;

-- What has had its time: windows of unique keys, workers that left an hour ago, keys that have not been charged for a day.
create function tidy() returns void language sql as $$
    delete from unique_key where expires < now_us();
    delete from sleeper s where not exists (select from worker w where w.id = s.worker and not w.gone);
    delete from worker where gone and last_beat < now_us() - 3600000000;
    delete from key_share where filled < now_us() - 86400000000;
$$;

-- For each queue, the first job that is behind a worker's low water: one whose transaction committed late. Null: there is none.
create function stragglers(names text[], waters bigint[]) returns bigint[] language sql
set enable_seqscan = off set enable_bitmapscan = off as $$
    select array_agg((select min(okey) from (select okey from job
                      where queue = n.name and state = 2 and crashes = 0 and not late and okey < n.water
                      order by okey, id limit 1) s) order by n.at)
    from unnest(names, waters) with ordinality as n (name, water, at)
$$;
