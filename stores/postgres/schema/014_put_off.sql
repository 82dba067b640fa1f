-- A job that never started may be given back with a time before which it is not to be claimed again: a worker without a handler for its
-- kind puts it off. It was snoozed, which kept what its queue had charged for the claim.

create or replace function give_back(me bigint, now bigint, ids bigint[], epochs bigint[], verdicts smallint[], ats bigint[], rans bigint[],
                          overlapped boolean[])
returns bigint[] language plpgsql as $$
declare
    back bigint[];
    names text[]; keys text[]; awake text[];
begin
    with f as materialized (
        select id, epoch, verdict, ran, overlap, case when verdict in (1, 4) then greatest(at, now) when verdict = 5 and at > now then at end as at
        from unnest(ids, epochs, verdicts, ats, rans, overlapped) as u (id, epoch, verdict, at, ran, overlap)
        where verdict in (1, 4, 5, 6)),
    moved as (
        update job j
            set state = case when f.verdict = 1 then 4 when f.at is not null then 1 else 2 end,
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
