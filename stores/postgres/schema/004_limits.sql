-- Queues with limits: on how many run, on how many start, and shares among keys. Their claims take turns, by a lock on the row of
-- the queue. What runs is counted when it is asked for: a slot that is counted up and down leaks with the first crash.

create function is_limited(q queue) returns boolean language sql immutable
as $$ select q.running > 0 or q.running_per_key > 0 or q.rate > 0 or q.rate_per_key > 0 $$;

-- What a bucket holds now. Where the clock was set back, `filled` is later than now, and the bucket must not run dry until then.
create function refilled(tokens double precision, filled bigint, rate double precision, burst integer, now bigint)
returns double precision language sql immutable
as $$ select least(burst::double precision, coalesce(tokens + rate * abs(now - filled) / 1000000.0, burst)) $$;

-- How many more may start in this queue, of those that are wanted.
create function room(q queue, wanted integer) returns integer language plpgsql as $$
begin
    if q.running > 0 then
        wanted := least(wanted, q.running - (select count(*) from (select from job where queue = q.name and state = 3
                                                                   limit q.running) r)::integer);
    end if;
    if q.rate > 0 then
        wanted := least(wanted, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now_us()) + 1e-9)::integer);
    end if;
    return greatest(wanted, 0);
end $$;

create function weight_of(q queue, key text) returns double precision language sql immutable
as $$ select coalesce((q.weights ->> key)::double precision, 1) $$;

-- How many jobs of this key may start, of those that are wanted.
create function room_of_key(q queue, key text, wanted integer, tokens double precision, filled bigint) returns integer
language sql stable as $$
    select least(
        wanted,
        case when q.rate_per_key > 0
             then floor(refilled(tokens, filled, q.rate_per_key, q.burst_per_key, now_us()) + 1e-9)::integer end,
        case when q.running_per_key > 0
             then q.running_per_key - (select count(*) from (select from job j where j.queue = q.name and j.key = room_of_key.key
                                                             and j.state = 3 limit q.running_per_key) r)::integer end)
$$;

-- The keys that have something to start, by leaps from key to key in the index, and what each may start.
create function keys_with_room(q queue, most integer)
returns table (key text, room integer, served double precision) language sql volatile rows 100 as $$
    with recursive ready (key) as (
        (select j.key from job j where j.queue = q.name and j.state = 2 and j.crashes = 0 order by j.key limit 1)
        union all
        select (select j.key from job j where j.queue = q.name and j.state = 2 and j.crashes = 0 and j.key > ready.key
                order by j.key limit 1)
        from ready where ready.key is not null),
    bounded as (
        select r.key, s.served, room_of_key(q, r.key, most, s.tokens, s.filled) as room
        from ready r left join key_share s on s.queue = q.name and s.key = r.key
        where r.key is not null)
    -- A key that was away, or is new, starts where the others are: it owes nothing, and nothing is owed to it.
    select b.key, b.room, greatest(b.served, q.had) from bounded b where b.room > 0
$$;

-- The heads of the keys: those of the key that has had least first if the queue is fair, else by their order.
create function heads_by_key(q queue, most integer, out places tid[], out ids bigint[]) language sql volatile as $$
    select array_agg(c.place), array_agg(c.id) from (
        select h.place, h.id
        from keys_with_room(q, most) k,
             lateral (select j.ctid as place, j.okey, j.id from job j
                      where j.queue = q.name and j.key = k.key and j.state = 2 and j.crashes = 0
                      order by j.okey, j.id limit k.room for update skip locked) h
        order by case when q.fair
                      then k.served + (row_number() over (partition by k.key order by h.okey, h.id) - 1) / weight_of(q, k.key) end,
                 h.okey, h.id
        limit most) c
$$;

-- What starts is taken from the buckets and added to what its keys have had.
create function charge(q queue, places tid[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
    started integer := cardinality(places);
    come double precision;
begin
    if started = 0 then return; end if;
    if q.rate_per_key > 0 or q.fair then
        with each as (
            select j.key, count(*) as n, 1 / weight_of(q, j.key) as cost from job j where j.ctid = any (places) group by j.key),
        charged as (
            insert into key_share as s (queue, key, served, tokens, filled)
                select q.name, e.key, q.had + e.n * e.cost, q.burst_per_key - e.n, now from each e
                on conflict (queue, key) do update
                    set served = greatest(s.served, q.had) + excluded.served - q.had,
                        tokens = refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now)
                                 + excluded.tokens - q.burst_per_key,
                        filled = now
                returning s.key, s.served)
        select max(c.served - e.cost) into come from charged c join each e on e.key = c.key;
    end if;
    update queue set tokens = case when q.rate > 0
                                   then refilled(q.tokens, q.filled, q.rate, q.burst, now) - started end,
                     filled = now, had = greatest(q.had, come)
        where name = q.name and (q.rate > 0 or come > q.had);
end $$;

-- What was charged for these jobs, which never started, is given back.
create function refund(names text[], keys text[]) returns void language plpgsql as $$
begin
    if not exists (select from queue q where q.name = any (names) and (q.rate > 0 or q.rate_per_key > 0 or q.fair)) then return; end if;
    perform from queue where name = any (names) order by name for no key update;
    update queue q set tokens = least(q.burst, q.tokens + n.n)
        from (select name, count(*) as n from unnest(names) name group by name) n where q.name = n.name and q.rate > 0;
    update key_share s set tokens = least(q.burst_per_key, s.tokens + n.n), served = s.served - n.n / weight_of(q, n.key)
        from (select name, key, count(*) as n from unnest(names, keys) u (name, key) group by name, key) n, queue q
        where q.name = n.name and s.queue = n.name and s.key = n.key;
end $$;

create function claim_limited(me bigint, called text, q queue, wanted integer)
returns setof claimed language plpgsql rows 100 as $$
declare
    most integer := room(q, wanted);
    places tid[];
    in_order bigint[];
begin
    if most <= 0 then return; end if;
    if q.fair or q.running_per_key > 0 or q.rate_per_key > 0 then
        select h.places, h.ids into places, in_order from heads_by_key(q, most) h;
        if places is null then return; end if;
    else
        places := heads(q.name, most, 0);
    end if;
    perform charge(q, places);
    return query select * from seize(me, called, places, in_order);
end $$;

-- The first suspect of a queue that its limits let through; null: there is none.
create function suspect_of(name text, q queue) returns bigint language sql volatile as $$
    select j.id from job j left join key_share s on s.queue = j.queue and s.key = j.key
    where j.queue = suspect_of.name and j.state = 2 and j.crashes > 0
      and (q.name is null or room_of_key(q, j.key, 1, s.tokens, s.filled) > 0)
    order by j.okey, j.id limit 1
$$;

create function claim_suspect(me bigint, called text, name text, q queue)
returns setof claimed language plpgsql rows 1 as $$
declare
    places tid[];
    limited boolean := q.name is not null and (is_limited(q) or q.fair);
begin
    if limited and room(q, 1) <= 0 then return; end if;
    places := array(select j.ctid from job j where j.id = (select suspect_of(claim_suspect.name, q)) for update skip locked);
    if limited then perform charge(q, places); end if;
    return query select * from seize(me, called, places, null);
end $$;

-- When the rates of a queue let the next of its jobs start; null: they hold nothing back.
create function wait_for_rate(q queue, now bigint) returns bigint language plpgsql as $$
declare
    wait double precision := 0;
    by_key double precision;
begin
    if not exists (select from job where queue = q.name and state = 2)
       or q.running > 0 and q.running <= (select count(*) from (select from job where queue = q.name and state = 3 limit q.running) r)
    then return null; end if;
    if q.rate > 0 then
        wait := (1 - refilled(q.tokens, q.filled, q.rate, q.burst, now)) / q.rate;
    end if;
    if q.rate_per_key > 0 then
        select min((1 - refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now)) / q.rate_per_key) into by_key
            from key_share s where s.queue = q.name
            and exists (select from job j where j.queue = q.name and j.key = s.key and j.state = 2 and j.crashes = 0);  -- the others have a token
        wait := greatest(wait, by_key);
    end if;
    return case when wait > 0 then ceil(wait * 1000000)::bigint end;
end $$;

-- Whether there is a suspect to be claimed alone, and in how many microseconds something that waits for its time or for a rate
-- may start; null: nothing waits so.
create function look(names text[], out suspects boolean, out next_in bigint) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    now bigint := now_us();
    q queue%rowtype;
    open_ones text[];
begin
    open_ones := array(select n from unnest(names) n where not exists (select from queue where name = n and paused));
    suspects := exists (select from unnest(open_ones) n left join queue f on f.name = n
                        where (f.name is null or not is_limited(f) or room(f, 1) > 0) and suspect_of(n, f) is not null);
    select min(d.run_at) - now into next_in from unnest(open_ones) n,
        lateral (select run_at from job where queue = n and state in (1, 4) order by run_at limit 1) d;
    for q in select * from queue where name = any (open_ones) and (rate > 0 or rate_per_key > 0) loop
        next_in := least(next_in, wait_for_rate(q, now));
    end loop;
    if next_in < 0 then next_in := 0; end if;  -- greatest() would make a null 0: always something to wait for
end $$;
