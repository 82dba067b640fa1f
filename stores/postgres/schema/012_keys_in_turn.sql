-- Claims by key in long runs, and among many keys. A claim goes on from where it was in each key, and not over what was claimed
-- before; and where more keys have work than it can take jobs, it visits some of them, and the next claim the next ones.
--
-- The queue's lock comes first, as in a claim: when it is had, none is at work with the functions that are replaced here.
alter table queue add column next_key text collate "C";  -- where the round of its keys goes on; null: at the last key
-- The jobs of the key below `water` were claimed, but for late ones. That is believed until `trusted`; then a claim looks at the key
-- from its start, for one whose transaction committed late.
alter table key_share add column water bigint not null default 0, add column trusted bigint not null default 0;
drop function first_by_key(queue, integer);

-- The keys of a queue that have something ready, from `at_most` down to `above` (null: to the end), `most` of them (null: all). By leaps
-- from key to key; downwards, because in the index the last entry of a key is of a job that waits, and the first are dead ones
-- of jobs just claimed.
create function keys_down(name text, at_most text, above text, most integer) returns text[] language plpgsql as $$
begin
    return array(
        with recursive down (key) as (
            (select j.key from job j where j.queue = name and j.key <= at_most and j.state = 2 and j.crashes = 0
             order by j.key desc limit 1)
            union all
            select n.key
            from down d, lateral (select j.key from job j where j.queue = name and j.key < d.key and j.state = 2 and j.crashes = 0
                                  order by j.key desc limit 1) n
            where (n.key > above) is not false)
        select d.key from down d where (d.key > above) is not false limit most);
end $$;

-- Whether a key's water is to be believed. A clock that was set back leaves a `trusted` that is far away.
create function is_trusted(until bigint, now bigint) returns boolean language sql immutable
as $$ select until between now and now + 60000000 $$;

-- Jobs of some keys of a queue, in the order in which they start: where each stands in the fair order, how far the shares of all have
-- come when it has started, and its key. The arrays are null if there are none.
create type line_of_keys as (
    places tid[], ids bigint[], turns double precision[], floors double precision[], keys text[],
    waters bigint[],    -- the place of each in its own order; 0: it is late
    is_all boolean,     -- they are all the keys that have work
    piece integer,      -- so many jobs of each were looked at,
    too_few boolean,    -- which was not enough
    missed boolean      -- nothing was found of a key, from its water up
);

-- The first `most` jobs of these keys. If they are `all` that have work, whoever has had least is first. Else they are passed in their
-- order, and each may come as far as the round does: to `had` + 1, or + 2 above `round_at`, where the next round begins. `piece`: so many
-- of each key are looked at; null: as many as are its part. `busy`: the keys of what runs. `late`: keys to be looked at from their
-- start; null: all.
create function line_up(q queue, most integer, keys text[], is_all boolean, round_at text, piece integer, busy text[], late text[],
                        now bigint) returns line_of_keys language plpgsql as $$
declare
    l line_of_keys;
begin
    with seen (key, nth, running) as (
        select u.key, min(u.nth), count(*) filter (where u.nth is null)
        from (select k.key, k.nth from unnest(keys) with ordinality as k (key, nth) union all select b.key, null from unnest(busy) b (key)) u
        group by u.key),
    -- How many each may start, where in the fair order its first job stands, and how far apart its jobs stand there. A key that was
    -- away, or is new, starts where the others are: it owes nothing, and nothing is owed to it.
    open (key, nth, floor, room, start, step, water) as (
        select c.key, c.nth, f.floor,
               least(most,
                     case when q.running_per_key > 0 then q.running_per_key - c.running end,
                     case when q.rate_per_key > 0
                          then floor(refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now) + 1e-9) end)::integer,
               case when q.fair then greatest(s.served, f.floor) else 0 end,
               case when q.fair then 1 / weight_of(q, c.key) else 0 end,
               case when is_trusted(s.trusted, now) and c.key <> all (late) then least(s.water, now - 2000000) else 0 end
        from seen c
        -- A limit, so that it stays one look a key: a plan made while there were few keys compared each with each.
        left join lateral (select k.served, k.tokens, k.filled, k.water, k.trusted from key_share k
                           where (q.fair or q.rate_per_key > 0) and k.queue = q.name and k.key = c.key limit 1) s on true,
        lateral (select q.had + case when not is_all and c.key > round_at then 1 else 0 end) f (floor)
        where c.nth is not null),
    visited as (select o.* from open o where o.room > 0 and (is_all or o.start < o.floor + 1 - 1e-9)),
    part (size) as (select coalesce(piece, most / greatest(count(*), 1) + 2)::integer from visited),
    found as (
        select o.key, o.floor, o.start + (j.nth - 1) * o.step as turn, case when is_all then 0 else o.nth end as stop,
               j.place, j.id, j.okey, j.late, j.nth >= p.size and o.room > p.size and (is_all or o.start + j.nth * o.step < o.floor + 1 - 1e-9) as cut
        from part p, visited o
        left join lateral (
            select f.ctid as place, f.id, f.okey, f.late, row_number() over (order by f.okey, f.id) as nth from job f
            where f.queue = q.name and f.key = o.key and f.okey >= o.water and f.state = 2 and f.crashes = 0
            order by f.okey, f.id limit least(o.room, (select size from part))) j on true),
    line as (
        select f.*, row_number() over (order by f.stop, f.turn, f.okey, f.id) as pos
        from found f where f.place is not null and (is_all or f.turn < f.floor + 1 - 1e-9)
        order by f.stop, f.turn, f.okey, f.id limit most)
    select array_agg(o.place), array_agg(o.id), array_agg(o.turn), array_agg(case when is_all then o.turn else o.floor end),
           array_agg(o.key), array_agg(case when o.late then 0 else o.okey end), is_all, (select size from part),
           -- A key of which there may be more is known up to the last one that was looked at.
           count(*) filter (where o.cut) > 0 and min(o.pos) filter (where o.cut) < most,
           exists (select from found f where f.place is null)
        into l from line o;
    return l;
end $$;

-- The first `most` jobs of a queue with keys. None is locked: the lock on the row of the queue keeps other claims away. Of fair queues
-- with many keys about as many are visited as jobs are wanted, or more while those are at their limits; of others all, because the first
-- of their jobs may be of any key.
create function first_in_turn(q queue, most integer, now bigint) returns line_of_keys language plpgsql as $$
declare
    width integer := case when q.fair then most + 50 end;
    top text := (select j.key from job j where j.queue = q.name and j.state = 2 and j.crashes = 0 order by j.key desc limit 1);
    round_at text := least(q.next_key, top);
    keys text[];
    busy text[] := '{}';
    late text[];
    is_all boolean;
    l line_of_keys;
begin
    if q.running > 0 or q.running_per_key > 0 then
        busy := array(select j.key from job j where j.queue = q.name and j.state = 3);
        if q.running > 0 then most := least(most, q.running - cardinality(busy)); end if;
    end if;
    if top is null or most <= 0 then return null; end if;
    select case when count(*) < 100 then coalesce(array_agg(f.key), '{}') end into late
        from (select j.key from job j where j.queue = q.name and j.late and j.state = 2 and j.crashes = 0
              order by j.okey, j.id limit 100) f;
    loop
        keys := keys_down(q.name, round_at, null, width);
        is_all := (cardinality(keys) < width) is not false;
        if is_all then
            keys := keys || keys_down(q.name, top, round_at, width - cardinality(keys));
            is_all := (cardinality(keys) < width) is not false;
        end if;
        loop
            l := line_up(q, most, keys, is_all, round_at, l.piece, busy, late, now);
            exit when not l.too_few and (late is null or not l.missed);
            if l.missed then late := null; end if;
            l.piece := case when l.too_few then l.piece * 4 end;
        end loop;
        exit when is_all or cardinality(l.places) >= most;
        width := width * 4;
        l.piece := null;
    end loop;
    return l;
end $$;

-- What starts, the first `most` of the line, is added to what its keys have had, and taken from their buckets.
create function charge_keys(q queue, keys text[], turns double precision[], waters bigint[], now bigint) returns void
language plpgsql as $$
declare
    -- A look from the start takes no more than a twentieth of the time, if a snapshot held open makes it slow.
    trusted_for bigint := least(greatest(1000000, 20 * (now_us() - now)), 60000000);
begin
    insert into key_share as s (queue, key, served, tokens, filled, water, trusted)
        select q.name, l.key, max(l.turn) + 1 / weight_of(q, l.key), q.burst_per_key - count(*), now, max(l.water), now + trusted_for
        from unnest(keys, turns, waters) as l (key, turn, water) group by l.key
        on conflict (queue, key) do update
            set served = excluded.served,
                tokens = refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now) + excluded.tokens - q.burst_per_key,
                filled = now, water = coalesce(nullif(excluded.water, 0), s.water),
                trusted = case when is_trusted(s.trusted, now) or excluded.water = 0 then s.trusted else excluded.trusted end;
end $$;

-- As in 010.
create or replace function heads_by_limits(me bigint, q queue, prompt integer, most integer, out places tid[], out in_order bigint[])
language plpgsql as $$
declare
    spared integer := case when most > prompt then hands_of_others(me, q) else 0 end;
    now bigint := now_us();
    l line_of_keys;
    open_places integer;
begin
    if spared is null then most := prompt; spared := 0; end if;
    if not (q.fair or q.running_per_key > 0 or q.rate_per_key > 0) then
        open_places := room(q, most + spared);
        if open_places = 0 then return; end if;
        places := heads(q.name, least(open_places, most, greatest(prompt, open_places - spared)), 0);
        perform charge(q, places);
        return;
    end if;
    if q.rate > 0 then
        most := least(most, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now) + 1e-9)::integer);
    end if;
    if most <= 0 then return; end if;
    l := first_in_turn(q, most + spared, now);
    most := least(most, cardinality(l.places), greatest(prompt, cardinality(l.places) - spared));
    if l.places is null then return; end if;
    in_order := l.ids;
    places := array(select ctid from job where ctid = any (l.places[:most]) and state + 0 = 2 for update skip locked);
    if cardinality(places) = 0 then return; end if;
    if cardinality(places) < most then  -- somebody is at work on some: those do not start
        select array_agg(u.key), array_agg(u.turn), array_agg(u.floor), array_agg(u.water), count(*)
            into l.keys, l.turns, l.floors, l.waters, most
            from (select * from unnest(l.places[:most], l.keys, l.turns, l.floors, l.waters) as a (place, key, turn, floor, water)) u
            where u.place = any (places);
    end if;
    if q.fair or q.rate_per_key > 0 then perform charge_keys(q, l.keys[:most], l.turns[:most], l.waters[:most], now); end if;
    if q.fair or q.rate > 0 then
        update queue set tokens = case when q.rate > 0 then refilled(q.tokens, q.filled, q.rate, q.burst, now) - cardinality(places) end,
                         filled = now, had = greatest(q.had, l.floors[most]),
                         next_key = case when l.is_all then q.next_key else l.keys[most] end
            where name = q.name;
    end if;
end $$;

-- A plan made for the arrays of one call is not better than the one for all, and costs time until the server has seen that.
alter function claim(bigint, text[], bigint[], integer, integer, boolean) set plan_cache_mode = force_generic_plan;
alter function settle(bigint, bigint[], bigint[], smallint[], bigint[], bigint[], boolean[], bytea[], text[], bytea[], integer)
    set plan_cache_mode = force_generic_plan;
alter function put(boolean, bigint[], text[], text[], text[], smallint[], bigint[], bytea[], text[], bigint[], text[], text[], text[],
                   smallint[], bigint[], text[], smallint[]) set plan_cache_mode = force_generic_plan;
