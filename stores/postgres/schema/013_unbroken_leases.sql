-- Since when a worker's lease has not run out is kept here. Who declares others dead must have been well for as long as their leases, and what
-- it says of its own beats can be from before an outage of the server that it has slept through; while the server counts its recovery,
-- in which nobody could beat, among the time that it is up.
lock table worker in access exclusive mode;
alter table worker add column good_since bigint not null default 0;
update worker set good_since = now_us();

create or replace function beat(me bigint, called text, for_queues text[], speaks bigint, for_us bigint, crew integer, at_work integer, done bigint,
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
    insert into worker as w (id, name, queues, version, started, last_beat, lease, expires, workers, busy, completed, failed, good_since)
        values (me, called, for_queues, speaks, now, now, for_us, now + for_us, crew, at_work, done, broken, now)
        on conflict (id) do update
            set last_beat = now, expires = now + for_us, gone = false, workers = crew, busy = at_work, completed = done, failed = broken,
                good_since = case when good then least(w.good_since, now) else now end;  -- least: the clock was set back
    perform refuse_old(speaks);  -- after the row is written, which waits for a migration that is at work
    return query select null::bigint, null::bigint, not coalesce(good, false), size;
    return query
        select h.id, h.epoch, j.id is null, null::integer
        from unnest(ids, epochs) as h (id, epoch)
        left join job j on j.id = h.id and j.epoch = h.epoch and j.worker = me
        where j.id is null or j.cancel_asked;
end $$;

create or replace function rescue(me bigint, good_for bigint, cap integer, most_errors integer) returns bigint language plpgsql
set enable_seqscan = off as $$
declare
    now bigint := now_us();
    up bigint := now - (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint;
    unbroken bigint;
    fallen bigint[];
    ids bigint[]; doomed bigint[]; awake text[];
begin
    if up >= 0 then good_for := least(good_for, up); end if;  -- below: the clock was set back since the server came up
    select least(good_for, now - good_since) into unbroken from worker where id = me and not gone and expires > now;
    if not exists (select from worker where id = me and lease <= unbroken) then return 0; end if;
    -- Where the clock was set back, leases are left that would end when it has come so far again: they begin anew.
    update worker set expires = now + lease where not gone and expires > now + 2 * lease;
    -- A worker that is claiming at this moment holds its row, and is passed over.
    fallen := array(select id from worker where not gone and expires <= now and lease <= unbroken for update skip locked);
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
