-- Jobs go in. One function does it for everybody: the store, the caller's own transaction, plain SQL.

-- Whoever sleeps for one of these queues is told when this transaction commits.
create function ring(queues text[]) returns void language plpgsql as $$
begin
    if exists (select from sleeper) then
        perform pg_notify(current_schema() || '_work', s.queue)
            from (select distinct sleeper.queue from sleeper where sleeper.queue = any (queues)) s;
    end if;
end $$;

-- Takes a unique key for a job. 0, or the job that has it. Waits for a transaction that is about to take it or to give it back.
create function take_key(of_kind text, of_key text, for_job bigint, until smallint, span bigint) returns bigint
language plpgsql as $$
declare
    now bigint := now_us();
    holder bigint;
begin
    loop
        insert into unique_key as u (kind, key, job, expires)
            values (of_kind, of_key, for_job, case when until = 2 then now + span end)
            on conflict (kind, key) do update set job = excluded.job, expires = excluded.expires
                where u.expires <= now or u.job = excluded.job
            returning job into holder;
        if found then return 0; end if;
        select job into holder from unique_key where kind = of_kind and key = of_key;
        if found then return holder; end if;
    end loop;
end $$;

-- Ties a new job to its parents and says how it starts: 0 it waits, 1 nothing holds it, 6 it is cancelled with one of them.
-- Parents that are not over are locked against their end, so that none ends between this look and the commit.
create function tie(child bigint, parents bigint[], orphaned smallint) returns smallint language plpgsql as $$
declare
    running bigint[];
    parent finished%rowtype;
    holding bigint[];
    absent bigint;
begin
    select array_agg(distinct each) into parents from unnest(parents) each;
    perform from job where id = any (parents) order by id for key share;
    update job set has_children = true where id = any (parents) and not has_children;
    select array_agg(id) into running from job where id = any (parents);
    holding := coalesce(running, '{}');
    for parent in select * from finished where id = any (parents) for key share loop
        if parent.state = 5 or orphaned = 2 then continue; end if;
        if orphaned = 1 then return 6; end if;
        holding := holding || parent.id;
    end loop;
    select each into absent from unnest(parents) each
        where not exists (select from job where id = each) and not exists (select from finished where id = each) limit 1;
    if found then
        raise exception 'after: there is no job %', absent using errcode = 'GM001';
    end if;
    insert into dependency (child, parent) select child, unnest(holding) on conflict do nothing;
    return case when cardinality(holding) > 0 then 0 else 1 end;
end $$;

-- Inserts jobs, one for each element; an array that is null stands for nulls. `again`: this may have been committed before, by a
-- call whose answer was lost. Returns null if all were accepted, else for each job 0 or who has its unique key.
create function put(
    again boolean, ids bigint[], kinds text[], queues text[], keys text[], priorities smallint[], run_ats bigint[],
    bodies bytea[], types text[], timeouts bigint[], tag_lists text[], retries text[], uniques text[], untils smallint[],
    windows bigint[], afters text[], orphans smallint[]
) returns bigint[] language plpgsql
set search_path from current set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
    now bigint := now_us();
    holders bigint[];
    skip bigint[] := '{}';
    held smallint[];
    doomed bigint[];
    each record;
begin
    if again then
        -- Asked by a statement for each table: what is committed meanwhile moves from the first to the second only.
        select array_agg(id) into skip from job where id = any (ids);
        select coalesce(skip, '{}') || coalesce(array_agg(id), '{}') into skip from finished where id = any (ids);
    end if;
    if uniques is not null then
        -- In the order of the keys: two calls with the same keys wait for each other, and never in a circle.
        holders := array_fill(0::bigint, array[cardinality(ids)]);
        for each in select * from unnest(ids, kinds, uniques, untils, windows) with ordinality as n (id, kind, key, until, span, at)
                    where n.key is not null and n.id <> all (skip) order by n.kind collate "C", n.key collate "C", n.at loop
            holders[each.at] := take_key(each.kind, each.key, each.id, each.until, each.span);
            if holders[each.at] <> 0 then skip := skip || each.id; end if;
        end loop;
        if not exists (select from unnest(holders) h where h <> 0) then holders := null; end if;
    end if;
    if afters is not null then
        held := array_fill(1::smallint, array[cardinality(ids)]);
        for each in select * from unnest(ids, afters, orphans) with ordinality as n (id, after, orphaned, at)
                    where n.after is not null and n.id <> all (skip) loop
            held[each.at] := tie(each.id, each.after::bigint[], each.orphaned);
            if held[each.at] = 6 then doomed := doomed || each.id; end if;
        end loop;
    end if;

    with kept as (
        insert into job (id, okey, run_at, inserted, timeout, unique_window, priority, state, orphaned, unique_until, late, kind,
                         queue, key, arguments, arguments_type, tags, retry, unique_key, after)
            select n.id, n.run_at - n.priority * 60000000::bigint, n.run_at, now, coalesce(n.timeout, 0), n.span, n.priority,
                   case when n.held = 0 then 0 when n.run_at > now then 1 else 2 end, coalesce(n.orphaned, 0), n.until,
                   n.priority <> 0, n.kind, n.queue, n.key, n.body, n.type, n.tags::text[],
                   n.retry::double precision[], n.unique_key, n.after::bigint[]
            from (select u.*, greatest(u.due, now) as run_at
                  from unnest(ids, kinds, queues, keys, priorities, run_ats, bodies, types, timeouts, tag_lists, retries, uniques,
                              untils, windows, afters, orphans, held)
                       as u (id, kind, queue, key, priority, due, body, type, timeout, tags, retry, unique_key, until, span, after,
                             orphaned, held)) n
            where n.id <> all (skip)
            on conflict (id) do nothing
            returning job.queue, job.state)
    insert into tally (queue, waiting, scheduled, available)
        select kept.queue, count(*) filter (where state = 0), count(*) filter (where state = 1), count(*) filter (where state = 2)
        from kept group by kept.queue;
    if doomed is not null then perform finish_as(doomed, 6::smallint); end if;
    perform ring(queues);
    return holders;
end $$;
