-- Jobs of one call are inserted as if one after the other, also those that are cancelled at once because a parent was: the next one
-- with the same unique key is accepted. It was refused as a duplicate of a job that never ran.

-- Inserts jobs, one for each element; an array that is null stands for nulls. `again`: this may have been committed before, by a
-- call whose answer was lost. Returns null if all were accepted, else for each job 0 or who has its unique key.
create or replace function put(
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
    asking bigint[];  -- null: all of them
    each record;
begin
    if again then
        -- Asked by a statement for each table: what is committed meanwhile moves from the first to the second only.
        select array_agg(id) into skip from job where id = any (ids);
        select coalesce(skip, '{}') || coalesce(array_agg(id), '{}') into skip from finished where id = any (ids);
    end if;
    if uniques is not null then holders := array_fill(0::bigint, array[cardinality(ids)]); end if;
    if afters is not null then held := array_fill(1::smallint, array[cardinality(ids)]); end if;
    loop
        if uniques is not null then
            -- In the order of the keys: two calls with the same keys wait for each other, and never in a circle.
            for each in select * from unnest(ids, kinds, uniques, untils, windows) with ordinality as n (id, kind, key, until, span, at)
                        where n.key is not null and n.id <> all (skip) and (asking is null or n.id = any (asking))
                        order by n.kind collate "C", n.key collate "C", n.at loop
                holders[each.at] := take_key(each.kind, each.key, each.id, each.until, each.span);
                if holders[each.at] <> 0 then skip := skip || each.id; end if;
            end loop;
        end if;
        if afters is not null then
            for each in select * from unnest(ids, afters, orphans) with ordinality as n (id, after, orphaned, at)
                        where n.after is not null and n.id <> all (skip) and (asking is null or n.id = any (asking)) loop
                held[each.at] := tie(each.id, each.after::bigint[], each.orphaned);
                if held[each.at] = 6 then doomed := doomed || each.id; end if;
            end loop;
        end if;
        exit when doomed is null or uniques is null;
        -- One that is cancelled with its parent lets its key go: those that were refused for it ask again. Nobody else can have it
        -- meanwhile, so this waits for no one.
        with freed as (
            delete from unique_key u using unnest(ids, kinds, uniques, untils) as n (id, kind, key, until)
                where n.id = any (doomed) and n.until in (0, 1) and u.kind = n.kind and u.key = n.key and u.job = n.id
                returning u.job)
        select array_agg(n.id) into asking from unnest(ids, holders) as n (id, holder) where n.holder in (select job from freed);
        exit when asking is null;
        skip := array(select s from unnest(skip) s where s <> all (asking));
    end loop;
    if uniques is not null and not exists (select from unnest(holders) h where h <> 0) then holders := null; end if;

    -- Twice the same, but for `on conflict`, which costs each row a look: as in 016.
    if again then
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
    else
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
                returning job.queue, job.state)
        insert into tally (queue, waiting, scheduled, available)
            select kept.queue, count(*) filter (where state = 0), count(*) filter (where state = 1), count(*) filter (where state = 2)
            from kept group by kept.queue;
    end if;
    if doomed is not null then perform finish_as(doomed, 6::smallint); end if;
    perform ring(queues);
    return holders;
end $$;

alter function put(boolean, bigint[], text[], text[], text[], smallint[], bigint[], bytea[], text[], bigint[], text[], text[], text[],
                   smallint[], bigint[], text[], smallint[]) set plan_cache_mode = force_generic_plan;
