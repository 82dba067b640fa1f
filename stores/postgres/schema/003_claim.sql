-- Jobs go out.

-- What a worker is told of a job.
create type claimed as (
    id bigint, epoch bigint, okey bigint, inserted bigint, run_at bigint, timeout bigint, attempts integer, crashes integer,
    late boolean, has_steps boolean, kind text, queue text, key text, arguments bytea, arguments_type text, tags text[],
    retry double precision[]
);

-- What is due becomes available. Behind the front of its queue if it is late by more than a second.
create function promote(names text[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
begin
    if not exists (select from unnest(names) name, lateral (select from job where queue = name and state in (1, 4) and run_at <= now
                                                            limit 1) due) then
        return;
    end if;
    with due as materialized (
        select d.* from unnest(names) name, lateral (
            select j.id, j.queue, j.state from job j where j.queue = name and j.state in (1, 4) and j.run_at <= now
            order by j.run_at limit 1000 for update skip locked) d),
    moved as (
        update job set state = 2, late = late or run_at < now - 1000000 from due where job.id = due.id)
    insert into tally (queue, scheduled, retrying, available)
        select due.queue, -count(*) filter (where state = 1), -count(*) filter (where state = 4), count(*) from due group by due.queue;
end $$;

-- The heads of a queue, up to `most`, locked. Those that came in order are looked for from `water` up; the few late ones
-- always from the start. An array of places, because `ctid = any (array)` is a plan that no statistics can spoil; a join was.
create function heads(name text, most integer, water bigint) returns tid[] language plpgsql as $$
declare
    late_ones tid[];
    places tid[];
begin
    late_ones := array(select ctid from job where queue = name and state = 2 and crashes = 0 and late
                       order by okey, id limit most for update skip locked);
    places := array(select ctid from job where queue = name and state = 2 and crashes = 0 and not late and okey >= water
                    order by okey, id limit most for update skip locked);
    if cardinality(late_ones) = 0 then return places; end if;
    return array(select ctid from job where ctid = any (late_ones || places) order by okey, id limit most);
end $$;

-- The jobs at these places are the worker's now. They start in the order of `in_order`, or in their own if that is null.
create function seize(me bigint, called text, places tid[], in_order bigint[])
returns setof claimed language plpgsql rows 500 as $$
begin
    return query
    with taken as (
        update job set state = 3, epoch = job.epoch + 1, worker = me, worker_name = called, started = now_us(), ended = null
        where ctid = any (places) and job.state + 0 = 2
        returning job.*),
    counted as (
        insert into tally (queue, available, running) select c.queue, -count(*), count(*) from taken c group by c.queue),
    freed as (
        delete from unique_key u using taken c
        where c.unique_until = 0 and u.kind = c.kind and u.key = c.unique_key and u.job = c.id)
    select c.id, c.epoch, c.okey, c.inserted, c.run_at, c.timeout, c.attempts, c.crashes, c.late, c.has_steps, c.kind, c.queue, c.key,
           c.arguments, c.arguments_type, c.tags, c.retry
    from taken c order by array_position(in_order, c.id), c.okey, c.id;
end $$;

-- Claims up to `idle` jobs, and `ahead` more where the queue has no limits, from queues in this order. Of `suspect` ones, whose
-- worker died under them, just one.
create function claim(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean)
returns setof claimed language plpgsql rows 500
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set jit = off
as $$
declare
    called text;
    due_before bigint := now_us() - 2000000;
    q queue%rowtype;
    taken integer := 0;
    most integer;
    got integer;
    turns integer := cardinality(names);
begin
    -- The row is held until the commit: nobody can declare this worker dead between its claim and that. One whose lease has
    -- passed gets nothing until it has beaten again.
    select w.name into called from worker w where w.id = me and not w.gone and w.expires > now_us() for key share;
    if not found then
        perform refuse_old(w.version) from worker w where w.id = me;
        return;
    end if;
    if suspect and idle = 0 then return; end if;
    perform promote(names);
    perform from queue where name = any (names) and (is_limited(queue) or queue.fair) order by name for no key update;
    -- In the first round each queue gives its share, in the second what is still wanted.
    for round in 1 .. case when turns = 1 or suspect then 1 else 2 end loop
        for turn in 1 .. turns loop
            most := idle + ahead - taken;
            if most <= 0 then return; end if;
            if round = 1 and not suspect then most := (most + turns - turn) / (turns - turn + 1); end if;
            select * into q from queue where name = names[turn];  -- null: it has no row
            if q.paused then continue; end if;
            if suspect then
                return query select * from claim_suspect(me, called, names[turn], q);
            elsif q.name is not null and (is_limited(q) or q.fair) then
                return query select * from claim_limited(me, called, q, case
                    when not is_limited(q) then most
                    -- They start by turns: what this queue would give beyond the idle workers' places is not for it to give.
                    when round = 1 then least(most, (idle - turn + turns) / turns)
                    else least(most, idle - taken) end);
            else
                return query select * from seize(me, called, heads(names[turn], most, least(waters[turn], due_before)), null);
            end if;
            get diagnostics got = row_count;
            taken := taken + got;
            if suspect and taken > 0 then return; end if;
        end loop;
    end loop;
end $$;
