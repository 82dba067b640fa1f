-- What became of jobs.
--
-- Verdicts: 0 completed, 1 retry, 2 dead, 3 cancelled, 4 snoozed, 5 returned, 6 interrupted (gm::jobs::verdict).

create function free_keys(ids bigint[]) returns void language sql as $$
    delete from unique_key u using finished f
        where f.id = any (ids) and f.unique_until in (0, 1) and u.kind = f.kind and u.key = f.unique_key and u.job = f.id
$$;

-- Only the first error of a job and the last ones are kept.
create function note_failures(now bigint, jobs bigint[], epochs bigint[], attempts integer[], starts bigint[], names text[],
                              errors bytea[], most integer)
returns void language plpgsql as $$
begin
    insert into failure (job, epoch, attempt, started, ended, worker_name, error)
        select j, e, a, s, now, coalesce(n, ''), coalesce(x, '')
        from unnest(jobs, epochs, attempts, starts, names, errors) as u (j, e, a, s, n, x)
        on conflict (job, epoch) do nothing;
    delete from failure f using (
        select job, epoch, row_number() over (partition by job order by epoch) as nth, count(*) over (partition by job) as n
        from failure where job = any (jobs)) o
        where f.job = o.job and f.epoch = o.epoch and (o.nth > 1 or most <= 1) and o.nth <= o.n - greatest(most - 1, least(most, 1));
end $$;

-- Parents are over: those that waited for them go on, or do not. The children are locked before anything is counted, so
-- that of two parents that end at the same moment the second sees that the first is done.
create function release(parents bigint[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
    children bigint[] := array(select distinct child from dependency where parent = any (parents));
    doomed bigint[];
    awake text[];
begin
    if cardinality(children) = 0 then return; end if;
    perform from job where id = any (children) order by id for update;
    delete from dependency d using finished p, job c
        where d.parent = any (parents) and p.id = d.parent and c.id = d.child and (p.state = 5 or c.orphaned = 2);
    with free as (
        -- It keeps its time: what it has waited for others counts. So it may stand before the front of its queue.
        update job set state = case when run_at > now then 1 else 2 end, late = late or run_at < now - 1000000
            where id = any (children) and state = 0 and not exists (select from dependency where child = job.id)
            returning queue, state),
    counted as (
        insert into tally (queue, waiting, scheduled, available)
            select queue, -count(*), count(*) filter (where state = 1), count(*) filter (where state = 2) from free group by queue)
    select array_agg(distinct queue) into awake from free;
    perform ring(awake);
    doomed := array(select id from job where id = any (children) and state = 0 and orphaned = 1
                    and exists (select from dependency d join finished p on p.id = d.parent
                                where d.child = job.id and d.parent = any (parents) and p.state in (6, 7)));
    if cardinality(doomed) > 0 then
        perform finish_as(doomed, 6::smallint);
    end if;
end $$;

-- These jobs are over without having run to their end. Returns which of them there were.
create function finish_as(ids bigint[], as_state smallint) returns bigint[] language plpgsql as $$
declare
    now bigint := now_us();
    done bigint[];
begin
    perform from job where id = any (ids) order by id for update;
    with g as (delete from job where id = any (ids) returning *),
    kept as (
        insert into finished
            select id, okey, run_at, inserted, started, epoch, null, timeout, unique_window, attempts, crashes, interruptions,
                   priority, as_state, ended, orphaned, unique_until, late, cancel_asked, overlapping, has_children, has_steps,
                   progress, kind, queue, key, arguments, arguments_type, tags, retry, unique_key, after, worker_name, note,
                   now, null, null
            from g),
    counted as (
        insert into tally (queue, waiting, scheduled, available, running, retrying, cancelled, dead)
            select queue, -count(*) filter (where state = 0), -count(*) filter (where state = 1), -count(*) filter (where state = 2),
                   -count(*) filter (where state = 3), -count(*) filter (where state = 4),
                   case when as_state = 6 then count(*) end, case when as_state = 7 then count(*) end
            from g group by queue)
    select array_agg(id) into done from g;
    if done is null then return '{}'; end if;
    delete from dependency where child = any (done);
    perform free_keys(done);
    perform release(done);
    return done;
end $$;

-- Settles claims of this worker. Null: all of them were settled; else for each 0 settled, 1 refused. `rans` is how long the
-- handlers took.
create function settle(
    me bigint, ids bigint[], epochs bigint[], verdicts smallint[], ats bigint[], rans bigint[], overlapped boolean[], results bytea[],
    types text[], errors bytea[], most_errors integer
) returns smallint[] language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set jit = off
as $$
declare
    now bigint := now_us();
    all_well boolean := 0 = all (verdicts);
    over bigint[]; parents bigint[]; keyed bigint[];
    back bigint[];
begin
    if not all_well then
        -- So that nobody asks for a cancel between the two statements below.
        perform from job where id = any (ids) order by id for update;
    end if;
    with f as materialized (
        select * from unnest(ids, epochs, verdicts, rans, overlapped, results, types)
            as u (id, epoch, verdict, ran, overlap, result, type)),
    gone as (
        delete from job j using f
        where j.id = f.id and j.epoch = f.epoch and j.worker = me and (f.verdict in (0, 2, 3) or j.cancel_asked)
        returning j.*, f.verdict, f.ran, f.overlap, f.result, f.type,
                  case when f.verdict = 0 then 5 when f.verdict = 2 and not j.cancel_asked then 7 else 6 end as final),
    kept as (
        insert into finished
            select id, okey, run_at, inserted, case when ran > 0 then now - ran else started end, epoch, null, timeout, unique_window,
                   attempts + (verdict < 3)::integer, crashes, interruptions + (verdict = 6)::integer, priority, final,
                   verdict, orphaned, unique_until, late, cancel_asked, overlap, has_children, has_steps, progress, kind, queue, key, arguments, arguments_type, tags, retry, unique_key,
                   after, worker_name, note, now, result, type
            from gone),
    counted as (
        insert into tally (queue, running, completed, cancelled, dead, ever_completed, ever_failed)
            select queue, -count(*), count(*) filter (where final = 5), count(*) filter (where final = 6),
                   count(*) filter (where final = 7), count(*) filter (where final = 5), count(*) filter (where verdict in (1, 2))
            from gone group by queue)
    select array_agg(id), array_agg(id) filter (where has_children), array_agg(id) filter (where unique_until in (0, 1))
        into over, parents, keyed from gone;
    if not all_well then
        back := give_back(me, now, ids, epochs, verdicts, ats, rans, overlapped);
        perform note_settled_failures(now, over || back, ids, epochs, verdicts, errors, most_errors);
    end if;
    if keyed is not null then perform free_keys(keyed); end if;
    if parents is not null then perform release(parents); end if;
    if coalesce(cardinality(over), 0) + coalesce(cardinality(back), 0) = cardinality(ids) then return null; end if;
    return outcomes(ids, epochs, verdicts);
end $$;

-- The claims whose verdict leaves the job where it may run again.
create function give_back(me bigint, now bigint, ids bigint[], epochs bigint[], verdicts smallint[], ats bigint[], rans bigint[],
                          overlapped boolean[])
returns bigint[] language plpgsql as $$
declare
    back bigint[];
    names text[]; keys text[]; awake text[];
begin
    with f as materialized (
        select id, epoch, verdict, ran, overlap, case when verdict in (1, 4) then greatest(at, now) end as at
        from unnest(ids, epochs, verdicts, ats, rans, overlapped) as u (id, epoch, verdict, at, ran, overlap)
        where verdict in (1, 4, 5, 6)),
    moved as (
        update job j
            set state = case f.verdict when 1 then 4 when 4 then 1 else 2 end,
                worker = null, ended = f.verdict, overlapping = j.overlapping or f.overlap,
                run_at = coalesce(f.at, j.run_at), okey = coalesce(f.at, j.run_at) - j.priority * 60000000::bigint,
                -- What is given back was due before: it does not join the queue at its end.
                late = f.at is null or j.priority <> 0,
                started = case when f.ran > 0 then now - f.ran else j.started end,
                attempts = j.attempts + (f.verdict = 1)::integer, interruptions = j.interruptions + (f.verdict = 6)::integer
            from f where j.id = f.id and j.epoch = f.epoch and j.worker = me
            returning j.id, j.queue, j.key, j.state, f.verdict),
    counted as (
        insert into tally (queue, running, scheduled, available, retrying, ever_failed)
            select queue, -count(*), count(*) filter (where state = 1), count(*) filter (where state = 2),
                   count(*) filter (where state = 4), count(*) filter (where verdict = 1)
            from moved group by queue)
    select array_agg(id), array_agg(queue) filter (where verdict = 5), array_agg(key) filter (where verdict = 5),
           array_agg(distinct queue) filter (where state = 2)
        into back, names, keys, awake from moved;
    if names is not null then perform refund(names, keys); end if;
    if awake is not null then perform ring(awake); end if;
    return back;
end $$;

create function note_settled_failures(now bigint, settled bigint[], ids bigint[], epochs bigint[], verdicts smallint[], errors bytea[],
                                      most integer)
returns void language plpgsql as $$
begin
    perform note_failures(now, array_agg(j.id), array_agg(j.epoch), array_agg(case when f.verdict in (1, 2) then j.attempts else 0 end),
                          array_agg(j.started), array_agg(j.worker_name), array_agg(f.error), most)
        from unnest(ids, epochs, verdicts, errors) as f (id, epoch, verdict, error)
        join every_job j on j.id = f.id and j.epoch = f.epoch
        where f.id = any (settled) and (f.verdict in (1, 2, 6) or f.verdict = 3 and f.error is not null)
        having count(*) > 0;
end $$;

-- A claim that is settled in this way, now or before, when the answer was lost, is settled.
create function outcomes(ids bigint[], epochs bigint[], verdicts smallint[]) returns smallint[] language sql as $$
    select array_agg(case when exists (select from job j where j.id = f.id and j.epoch = f.epoch and j.state <> 3 and j.ended = f.verdict)
                            or exists (select from finished p where p.id = f.id and p.epoch = f.epoch and p.ended = f.verdict)
                            or f.verdict = 1 and exists (select from failure e where e.job = f.id and e.epoch = f.epoch and e.attempt > 0)
                          then 0::smallint else 1::smallint end order by f.at)
    from unnest(ids, epochs, verdicts) with ordinality as f (id, epoch, verdict, at)
$$;
