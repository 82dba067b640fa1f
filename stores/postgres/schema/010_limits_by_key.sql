-- What limits and fair shares cost a claim. It leaps from key to key once, looks at about as many jobs as it takes, and locks those
-- alone; before, it fetched and locked for each key as many as it wanted in all. And queues with limits may give jobs ahead.
--
-- What 003 and 004 have for this (seize, claim_limited, heads_by_key, keys_with_room, claim_suspect) is used no longer. It stays for
-- the claims that are at work while this step is taken.

-- What runs, in the order of its numbers and not by key: claimed together, they come to stand together. Among the equal entries of a
-- few keys each claim had the server look for dead ones in all of the index, which took a third of an update's time.
create index job_at_work on job (queue, id) where state = 3;
drop index job_running;

-- The first `most` jobs of a queue with keys, in the order in which they start: fair shares, else their own. `ids` is null if there
-- are none. They are not locked: the lock on the row of the queue keeps other claims away.
create function first_by_key(q queue, most integer, out places tid[], out ids bigint[]) language plpgsql as $$
declare
    now bigint := now_us();
    piece integer;  -- so many of each key are looked at; null: as many as are its part
    too_few boolean;
begin
    loop
        with recursive ready (key) as (
            (select j.key from job j where j.queue = q.name and j.state = 2 and j.crashes = 0 order by j.key limit 1)
            union all
            select n.key
            from ready r, lateral (select j.key from job j where j.queue = q.name and j.key > r.key and j.state = 2 and j.crashes = 0
                                   order by j.key limit 1) n),
        seen (key, running, is_ready) as (
            select u.key, count(*) filter (where u.runs), not bool_and(u.runs)
            from (select r.key, false as runs from ready r
                  union all
                  select j.key, true from job j where (q.running > 0 or q.running_per_key > 0) and j.queue = q.name and j.state = 3) u
            group by u.key),
        whole (room) as (
            select least(most, case when q.running > 0 then greatest(q.running - sum(s.running), 0) end)::integer from seen s),
        -- How many each may start, where in the fair order its first job stands, and how far apart its jobs stand there. A key that was
        -- away, or is new, starts where the others are: it owes nothing, and nothing is owed to it.
        open (key, room, start, step) as (
            select c.key,
                   least(w.room,
                         case when q.running_per_key > 0 then q.running_per_key - c.running end,
                         case when q.rate_per_key > 0
                              then floor(refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now) + 1e-9) end)::integer,
                   case when q.fair then greatest(s.served, q.had) else 0 end,
                   case when q.fair then 1 / weight_of(q, c.key) else 0 end
            from whole w, seen c
            -- A limit, so that it stays one look a key: a plan made while there were few keys compared each with each.
            left join lateral (select k.served, k.tokens, k.filled from key_share k
                               where (q.fair or q.rate_per_key > 0) and k.queue = q.name and k.key = c.key limit 1) s on true
            where c.is_ready),
        part (size) as (
            select coalesce(piece, (select w.room from whole w) / greatest(count(*), 1) + 2)::integer from open where room > 0),
        found as (
            select o.start + (j.nth - 1) * o.step as turn, j.nth >= p.size and o.room > p.size as cut, j.okey, j.id, j.place
            from part p, open o,
                 lateral (select f.ctid as place, f.id, f.okey, row_number() over (order by f.okey, f.id) as nth from job f
                          where f.queue = q.name and f.key = o.key and f.state = 2 and f.crashes = 0
                          order by f.okey, f.id limit least(o.room, p.size)) j
            where o.room > 0),
        line as (
            select f.*, row_number() over (order by f.turn, f.okey, f.id) as pos from found f order by f.turn, f.okey, f.id)
        -- A key of which there may be more is known up to the last one that was looked at.
        select array_agg(l.place) filter (where l.pos <= w.room), array_agg(l.id) filter (where l.pos <= w.room),
               min(l.pos) filter (where l.cut) < min(w.room), (select p.size from part p)
            into places, ids, too_few, piece from line l, whole w;
        exit when too_few is not true;
        piece := piece * 4;
    end loop;
end $$;

-- How many hands the other workers of this queue have; null: that is not known, or a rate says when jobs start, so that none may
-- be had ahead.
create function hands_of_others(me bigint, q queue) returns integer language plpgsql as $$
begin
    if q.rate > 0 or q.rate_per_key > 0 then return null; end if;
    return (select case when bool_and(w.workers > 0) then coalesce(sum(w.workers) filter (where w.id <> me), 0) end
            from worker w where not w.gone and w.expires > now_us() and q.name = any (w.queues));
end $$;

-- The jobs that a queue with limits or shares gives, locked and charged: `prompt` that start at once, and up to `most` where that
-- leaves the other workers as many places as they have hands. For a job that is had ahead takes a place, though it does not run yet.
create function heads_by_limits(me bigint, q queue, prompt integer, most integer, out places tid[], out in_order bigint[])
language plpgsql as $$
declare
    spared integer := case when most > prompt then hands_of_others(me, q) else 0 end;
    open_places integer;
begin
    if spared is null then most := prompt; spared := 0; end if;
    if q.fair or q.running_per_key > 0 or q.rate_per_key > 0 then
        if q.rate > 0 then
            most := least(most, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now_us()) + 1e-9)::integer);
        end if;
        if most <= 0 then return; end if;
        select * into places, in_order from first_by_key(q, most + spared);
        places := places[:least(most, greatest(prompt, cardinality(places) - spared))];
        places := array(select ctid from job where ctid = any (places) and state + 0 = 2 for update skip locked);
    else
        open_places := room(q, most + spared);
        if open_places = 0 then return; end if;
        places := heads(q.name, least(open_places, most, greatest(prompt, open_places - spared)), 0);
    end if;
    perform charge(q, places);
end $$;

-- As in 004.
create or replace function charge(q queue, places tid[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
    started integer := cardinality(places);
    come double precision;
begin
    if started = 0 then return; end if;
    if q.rate_per_key > 0 or q.fair then
        with charged as (
            insert into key_share as s (queue, key, served, tokens, filled)
                select q.name, j.key, q.had + count(*) / weight_of(q, j.key), q.burst_per_key - count(*), now
                from job j where j.ctid = any (places) group by j.key
                on conflict (queue, key) do update
                    set served = greatest(s.served, q.had) + excluded.served - q.had,
                        tokens = refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now)
                                 + excluded.tokens - q.burst_per_key,
                        filled = now
                returning s.served - 1 / weight_of(q, s.key) as last)
        select max(c.last) into come from charged c;
    end if;
    update queue set tokens = case when q.rate > 0
                                   then refilled(q.tokens, q.filled, q.rate, q.burst, now) - started end,
                     filled = now, had = greatest(q.had, come)
        where name = q.name and (q.rate > 0 or come > q.had);
end $$;

-- The suspect that may start in a queue, locked and charged, if there is one.
create function head_suspect(called text, q queue) returns tid[] language plpgsql as $$
declare
    limited boolean := q.name is not null and (is_limited(q) or q.fair);
    places tid[];
begin
    if limited and room(q, 1) <= 0 then return null; end if;
    places := array(select j.ctid from job j where j.id = (select suspect_of(called, q)) for update skip locked);
    if limited then perform charge(q, places); end if;
    return places;
end $$;

-- As in 003. Each row passes through one result less on its way, and queues with limits may give some ahead.
create or replace function claim(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean)
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
    places tid[];
    in_order bigint[];  -- null: their own
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
            in_order := null;
            if suspect then
                places := head_suspect(names[turn], q);
            elsif q.name is not null and (is_limited(q) or q.fair) then
                select * into places, in_order from heads_by_limits(me, q, case
                    when not is_limited(q) then most
                    -- They start by turns: of the idle workers' places each queue has its part.
                    when round = 1 then least(most, (idle - turn + turns) / turns)
                    else least(most, greatest(idle - taken, 0)) end, most);
            else
                places := heads(names[turn], most, least(waters[turn], due_before));
            end if;
            continue when cardinality(places) = 0 or places is null;
            return query
            with taken as (
                update job set state = 3, epoch = job.epoch + 1, worker = me, worker_name = called, started = now_us(), ended = null
                where ctid = any (places) and job.state + 0 = 2
                returning job.*),
            counted as (
                insert into tally (queue, available, running) select c.queue, -count(*), count(*) from taken c group by c.queue),
            freed as (
                delete from unique_key u using taken c
                where c.unique_until = 0 and u.kind = c.kind and u.key = c.unique_key and u.job = c.id),
            -- Sorted by id, so that the turn of each is found by halves: array_position() walks through all of them.
            line as (
                select array_agg(o.id order by o.id) as ids, array_agg(o.turn order by o.id) as turns
                from unnest(in_order) with ordinality as o (id, turn))
            select c.id, c.epoch, c.okey, c.inserted, c.run_at, c.timeout, c.attempts, c.crashes, c.late, c.has_steps, c.kind,
                   c.queue, c.key, c.arguments, c.arguments_type, c.tags, c.retry
            from taken c order by (select line.turns from line)[width_bucket(c.id, (select line.ids from line))], c.okey, c.id;
            get diagnostics got = row_count;
            taken := taken + got;
            if suspect and taken > 0 then return; end if;
        end loop;
    end loop;
end $$;

-- As in 004. Whether there is a suspect at all is asked first, by an index that is nearly always empty.
create or replace function look(names text[], out suspects boolean, out next_in bigint) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    now bigint := now_us();
    called text;
    q queue%rowtype;
begin
    suspects := false;
    foreach called in array names loop
        select * into q from queue where name = called;  -- null: it has no row
        continue when q.paused;
        if not suspects and exists (select from job where queue = called and state = 2 and crashes > 0) then
            suspects := (q.name is null or not is_limited(q) or room(q, 1) > 0) and suspect_of(called, q) is not null;
        end if;
        next_in := least(next_in, (select run_at - now from job where queue = called and state in (1, 4) order by run_at limit 1));
        if q.rate > 0 or q.rate_per_key > 0 then next_in := least(next_in, wait_for_rate(q, now)); end if;
    end loop;
    if next_in < 0 then next_in := 0; end if;  -- greatest() would make a null 0: always something to wait for
end $$;
