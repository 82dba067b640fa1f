-- What people do to jobs and queues. The jobs are named: who asks has found them by a filter before, some thousands at a time.

-- `among`: in these states, or null; a job that has started since it was found is another matter.
create function cancel(ids bigint[], among smallint[]) returns bigint language plpgsql as $$
declare
    asked bigint;
    waiting bigint[];
begin
    perform from job where id = any (ids) order by id for update;
    ids := array(select id from job where id = any (ids) and (among is null or state = any (among)));
    update job set cancel_asked = true where id = any (ids) and state = 3 and not cancel_asked;
    get diagnostics asked = row_count;
    waiting := array(select id from job where id = any (ids) and state <> 3);
    return asked + case when cardinality(waiting) > 0 then cardinality(finish_as(waiting, 6::smallint)) else 0 end;
end $$;

-- What is scheduled or retrying is due now; what is dead or cancelled is available again, if its unique key is free. Returns how
-- many, and the first one whose key is not.
create function revive(ids bigint[], out revived bigint, out conflicting bigint) language plpgsql as $$
declare
    now bigint := now_us();
    each finished%rowtype;
    awake text[]; more text[];
begin
    perform from job where id = any (ids) order by id for update;
    with due as materialized (select id, queue, state from job where id = any (ids) and state in (1, 4)),
    moved as (
        update job set state = 2, run_at = now, okey = now - priority * 60000000::bigint, late = priority <> 0
            from due where job.id = due.id),
    counted as (
        insert into tally (queue, scheduled, retrying, available)
            select queue, -count(*) filter (where state = 1), -count(*) filter (where state = 4), count(*) from due group by queue)
    select count(*), array_agg(distinct queue) into revived, awake from due;
    for each in select * from finished where id = any (ids) and state in (6, 7) order by id for update loop
        if each.unique_key is not null and take_key_again(each) <> 0 then
            conflicting := coalesce(conflicting, each.id);
            continue;
        end if;
        insert into job (id, okey, run_at, inserted, started, epoch, timeout, unique_window, priority, state, ended, orphaned,
                         unique_until, late, has_children, has_steps, progress, kind, queue, key, arguments, arguments_type, tags, retry,
                         unique_key, after, worker_name, note)
            values (each.id, now - each.priority * 60000000::bigint, now, each.inserted, each.started, each.epoch, each.timeout,
                    each.unique_window, each.priority, 2, each.ended, each.orphaned, each.unique_until, each.priority <> 0,
                    exists (select from dependency where parent = each.id), each.has_steps, each.progress, each.kind, each.queue, each.key,
                    each.arguments, each.arguments_type, each.tags, each.retry, each.unique_key, each.after, each.worker_name,
                    each.note);
        delete from finished where id = each.id;
        insert into tally (queue, available, cancelled, dead)
            values (each.queue, 1, case when each.state = 6 then -1 end, case when each.state = 7 then -1 end);
        revived := revived + 1;
        more := more || each.queue;
    end loop;
    perform ring(awake || more);
end $$;

-- A window is not begun again: if it is over, the key is free for others.
create function take_key_again(of finished) returns bigint language plpgsql as $$
declare
    holder bigint;
begin
    if of.unique_until <> 2 then return take_key(of.kind, of.unique_key, of.id, of.unique_until, null); end if;
    select job into holder from unique_key where kind = of.kind and key = of.unique_key and expires > now_us();
    return case when holder is distinct from of.id then coalesce(holder, 0) else 0 end;
end $$;

-- Jobs that are over, or wait. A parent can go when its children have gone: until a round finds nothing more.
create function remove(ids bigint[]) returns bigint language plpgsql as $$
declare
    gone bigint := 0;
    now_gone bigint;
begin
    perform from job where id = any (ids) order by id for update;
    loop
        perform finish_as(array(select id from job where id = any (ids) and state <> 3
                                and not exists (select from dependency where parent = job.id)), 6::smallint);
        now_gone := remove_finished(ids);
        exit when now_gone = 0;
        gone := gone + now_gone;
    end loop;
    return gone;
end $$;

create function prioritize(ids bigint[], to_priority smallint) returns bigint language plpgsql as $$
declare
    changed bigint;
begin
    update job set priority = to_priority, okey = run_at - to_priority * 60000000::bigint, late = true
        where id in (select id from job where id = any (ids) and state <> 3 order by id for update);
    get diagnostics changed = row_count;
    return changed;
end $$;
