-- What running jobs record besides their end, and cron entries.

-- For each note 0, or 1 if the claim is no longer its worker's. Of a log the first half of `most` bytes is kept, and the last half.
create function note(ids bigint[], epochs bigint[], progresses double precision[], notes bytea[], logs bytea[], most bigint)
returns smallint[] language plpgsql as $$
declare
    each record;
    outcomes smallint[] := '{}';
begin
    for each in select * from unnest(ids, epochs, progresses, notes, logs) as n (id, epoch, progress, note, log) loop
        if each.progress is not null or each.note is not null then
            update job set progress = coalesce(each.progress, progress), note = coalesce(each.note, job.note)
                where id = each.id and epoch = each.epoch and state = 3;
        else
            perform from job where id = each.id and epoch = each.epoch and state = 3 for key share;
        end if;
        outcomes := outcomes || (not found)::integer::smallint;
        if found and each.log is not null then perform append_log(each.id, each.epoch, each.log, most); end if;
    end loop;
    return outcomes;
end $$;

create function append_log(of_job bigint, of_epoch bigint, more bytea, most bigint) returns void language plpgsql as $$
declare
    first integer := most / 2;
    last integer := most - most / 2;
    l log%rowtype;
    fits integer;
begin
    insert into log (job, epoch, head, tail) values (of_job, of_epoch, '', '') on conflict do nothing;
    select * into l from log where job = of_job and epoch = of_epoch for update;
    if length(l.tail) = 0 then
        fits := least(length(more), first - length(l.head));
        l.head := l.head || substring(more from 1 for fits);
        more := substring(more from fits + 1);
    end if;
    l.tail := l.tail || more;
    if length(l.tail) > last then
        l.left_out := l.left_out + length(l.tail) - last;
        l.tail := substring(l.tail from length(l.tail) - last + 1);
    end if;
    update log set head = l.head, tail = l.tail, left_out = l.left_out where job = of_job and epoch = of_epoch;
end $$;

-- The same name again: the later one counts, at the place of the first.
create function put_step(of_job bigint, of_epoch bigint, called text, with_result bytea, of_type text) returns boolean
language plpgsql as $$
begin
    update job set has_steps = true where id = of_job and epoch = of_epoch and state = 3;
    if not found then return false; end if;
    insert into step (job, name, result, result_type) values (of_job, called, with_result, of_type)
        on conflict (job, name) do update set result = excluded.result, result_type = excluded.result_type;
    return true;
end $$;

-- Moves a cron entry on if it is as it was; else raises GM003, so that what stands in the same transaction does not happen.
create function move_cron(called text, expected bigint, to_next bigint, fires boolean) returns void language plpgsql as $$
begin
    update cron set last = case when fires then expected else last end, next = to_next where name = called and next = expected and not paused;
    if not found then raise exception 'the cron entry was fired or changed by another' using errcode = 'GM003'; end if;
end $$;

-- Limits and pauses of queues: whether that changed anything.
create function pause(called text, stop boolean) returns boolean language plpgsql as $$
begin
    insert into queue (name) values (called) on conflict do nothing;
    update queue set paused = stop where name = called and paused <> stop;
    if not found then return false; end if;
    if not stop then perform ring(array[called]); end if;
    return true;
end $$;

create function limit_queue(
    called text, at_once integer, at_once_per_key integer, per_second double precision, most_at_once integer,
    per_second_per_key double precision, most_at_once_per_key integer, by_turns boolean, by_weight jsonb
) returns boolean language plpgsql as $$
begin
    insert into queue (name) values (called) on conflict do nothing;
    update queue set running = at_once, running_per_key = at_once_per_key, rate = per_second, burst = most_at_once,
                     rate_per_key = per_second_per_key, burst_per_key = most_at_once_per_key, fair = by_turns, weights = by_weight
        where name = called and (running, running_per_key, rate, burst, rate_per_key, burst_per_key, fair, weights) is distinct from
                  (at_once, at_once_per_key, per_second, most_at_once, per_second_per_key, most_at_once_per_key, by_turns, by_weight);
    if not found then return false; end if;
    perform ring(array[called]);
    return true;
end $$;

-- The names of all queues that anything is known of.
create view queue_name as
select name from queue union select queue from counted union select queue from tally;

-- What is due is shown as available, though nobody may have looked for it yet.
create function promote_due() returns void language sql as $$
    select promote(array(select name from queue_name n where exists (
        select from job where job.queue = n.name and state in (1, 4) and run_at <= now_us())))
$$;

create view queue_state as
select n.name, coalesce(q.paused, false) as paused, coalesce(q.running, 0) as running, coalesce(q.running_per_key, 0) as running_per_key,
       coalesce(q.rate, 0) as rate, coalesce(q.burst, 1) as burst, coalesce(q.rate_per_key, 0) as rate_per_key,
       coalesce(q.burst_per_key, 1) as burst_per_key, coalesce(q.fair, false) as fair,
       array(select jsonb_object_keys(q.weights)) as weight_keys,
       array(select (w.value)::double precision from jsonb_each_text(q.weights) w) as weights,
       c.counts, least(
           (select run_at from job where queue = n.name and state = 2 and crashes = 0 and not late order by okey, id limit 1),
           (select min(run_at) from job where queue = n.name and state = 2 and crashes = 0 and late),
           (select min(run_at) from job where queue = n.name and state = 2 and crashes > 0)) as oldest
from queue_name n
left join queue q on q.name = n.name
left join lateral (
    select array[sum(waiting), sum(scheduled), sum(available), sum(running), sum(retrying), sum(completed), sum(cancelled), sum(dead),
                 sum(ever_completed), sum(ever_failed)]::bigint[] as counts
    from (select waiting, scheduled, available, running, retrying, completed, cancelled, dead, ever_completed, ever_failed
          from counted where queue = n.name
          union all
          select waiting, scheduled, available, running, retrying, completed, cancelled, dead, ever_completed, ever_failed
          from tally where queue = n.name) u) c on true;
