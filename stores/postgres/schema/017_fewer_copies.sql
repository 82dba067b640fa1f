-- Claims and ends copy less, and step over less that is dead. A claimed row went through three results on its way, with all its columns, and
-- was sorted in one of them; now it is sent as it is written, its turn beside it, and who has claimed puts the rows in order. In
-- queues with keys or limits a claim looks at each key from the last of its jobs that was claimed, and at what runs from the first
-- that does: it went over the dead entries of jobs with the same time, and of all that had run.

-- A claim reads `queue` first: when this is had, none is at work with the functions that are replaced here.
lock table queue in access exclusive mode;
-- No job that runs has a number below `runs_from`. That is believed until `runs_trusted`; then a claim looks at all that runs, for what
-- was claimed while there were no limits, by a transaction that committed late.
alter table queue add column runs_from bigint not null default 0, add column runs_trusted bigint not null default 0;
-- Of the jobs of the key whose place is `water`, those with a number up to this one were claimed.
alter table key_share add column water_id bigint not null default 0;
drop function heads_by_limits(bigint, queue, integer, integer);
drop function charge_keys(queue, text[], double precision[], bigint[], bigint);
drop function first_in_turn(queue, integer, bigint);
drop function line_up(queue, integer, text[], boolean, text, integer, text[], text[], bigint);
drop type line_of_keys;

create function lowest_running(q queue, now bigint) returns bigint language sql immutable
as $$ select case when is_trusted(q.runs_trusted, now) then q.runs_from else 0 end $$;

-- How long what a claim has found is believed, when it began at `since`: finding it anew takes no more than a twentieth of the time,
-- if a snapshot held open makes it slow.
create function believed_until(since bigint) returns bigint language sql
as $$ select since + least(greatest(1000000, 20 * (now_us() - since)), 60000000) $$;

-- The jobs at these places are about to run.
create function note_running(q queue, places tid[]) returns void language plpgsql as $$
declare
    now bigint := now_us();
    lowest bigint := (select id from job where queue = q.name and state = 3 and id >= lowest_running(q, now) order by id limit 1);
begin
    update queue set runs_from = least(lowest, (select min(id) from job where ctid = any (places))),
                     runs_trusted = case when is_trusted(q.runs_trusted, now) then q.runs_trusted else believed_until(now) end
        where name = q.name;
end $$;

-- As in 004.
create or replace function room(q queue, wanted integer) returns integer language plpgsql as $$
declare
    now bigint := now_us();
begin
    if q.running > 0 then
        wanted := least(wanted, q.running - (select count(*) from (select from job where queue = q.name and state = 3
                                                                   and id >= lowest_running(q, now) limit q.running) r)::integer);
    end if;
    if q.rate > 0 then
        wanted := least(wanted, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now) + 1e-9)::integer);
    end if;
    return greatest(wanted, 0);
end $$;

-- As in 009. What runs is counted anew.
create or replace function limit_queue(
    called text, at_once integer, at_once_per_key integer, per_second double precision, most_at_once integer,
    per_second_per_key double precision, most_at_once_per_key integer, by_turns boolean, by_weight jsonb
) returns boolean language plpgsql as $$
begin
    insert into queue (name) values (called) on conflict do nothing;
    update queue set running = at_once, running_per_key = at_once_per_key, rate = per_second, burst = most_at_once,
                     rate_per_key = per_second_per_key, burst_per_key = most_at_once_per_key, fair = by_turns, weights = by_weight,
                     runs_trusted = 0
        where name = called and (running, running_per_key, rate, burst, rate_per_key, burst_per_key, fair, weights) is distinct from
                  (at_once, at_once_per_key, per_second, most_at_once, per_second_per_key, most_at_once_per_key, by_turns, by_weight);
    if not found then return false; end if;
    perform ring(array[called]);
    return true;
end $$;

-- Jobs of some keys of a queue, in the order in which they start: where each is, where it stands in the fair order, its key, and its place
-- in its own order. The arrays are null if there are none.
create type line_of_keys as (
    places tid[], ids bigint[], turns double precision[], keys text[],
    waters bigint[],    -- 0: it is late
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
    -- How many each may start, where in the fair order its first job stands, how far apart its jobs stand there, and behind which of
    -- them to look. A key that was away, or is new, starts where the others are: it owes nothing, and nothing is owed to it.
    open (key, nth, ends, room, start, step, water, water_id) as (
        select c.key, c.nth, f.floor + 1 - 1e-9,
               least(most,
                     case when q.running_per_key > 0 then q.running_per_key - c.running end,
                     case when q.rate_per_key > 0
                          then floor(refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now) + 1e-9) end)::integer,
               case when q.fair then greatest(s.served, f.floor) else 0 end,
               case when q.fair then 1 / weight_of(q, c.key) else 0 end,
               case when w.is_good then least(s.water, now - 2000000) else 0 end,
               case when w.is_good and s.water < now - 2000000 then s.water_id else 0 end
        from seen c
        -- A limit, so that it stays one look a key: a plan made while there were few keys compared each with each.
        left join lateral (select k.served, k.tokens, k.filled, k.water, k.water_id, k.trusted from key_share k
                           where (q.fair or q.rate_per_key > 0) and k.queue = q.name and k.key = c.key limit 1) s on true,
        lateral (select q.had + case when not is_all and c.key > round_at then 1 else 0 end) f (floor),
        lateral (select is_trusted(s.trusted, now) and c.key <> all (late)) w (is_good)
        where c.nth is not null),
    visited as (select o.* from open o where o.room > 0 and (is_all or o.start < o.ends)),
    part (size) as (select coalesce(piece, most / greatest(count(*), 1) + 2)::integer from visited),
    found as (
        select o.key, o.start + (j.nth - 1) * o.step as turn, case when is_all then 0 else o.nth end as stop,
               j.place, j.id, j.okey, j.late, j.nth >= p.size and o.room > p.size and (is_all or o.start + j.nth * o.step < o.ends) as cut
        from part p, visited o
        left join lateral (
            select f.ctid as place, f.id, f.okey, f.late, row_number() over (order by f.okey, f.id) as nth from job f
            where f.queue = q.name and f.key = o.key and (f.okey, f.id) > (o.water, o.water_id) and f.state = 2 and f.crashes = 0
            order by f.okey, f.id limit least(o.room, (select size from part))) j on true
        where is_all or j.nth is null or o.start + (j.nth - 1) * o.step < o.ends),
    line as (
        select f.*, row_number() over (order by f.stop, f.turn, f.okey, f.id) as pos
        from found f where f.place is not null
        order by f.stop, f.turn, f.okey, f.id limit most)
    select array_agg(o.place), array_agg(o.id), array_agg(o.turn), array_agg(o.key), array_agg(case when o.late then 0 else o.okey end),
           is_all, (select size from part),
           -- A key of which there may be more is known up to the last one that was looked at.
           count(*) filter (where o.cut) > 0 and min(o.pos) filter (where o.cut) < most,
           exists (select from found f where f.place is null)
        into l from line o;
    return l;
end $$;

-- As in 012, but for what runs: it is asked for from the first that does.
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
        busy := array(select j.key from job j where j.queue = q.name and j.state = 3 and j.id >= lowest_running(q, now));
        if q.running > 0 then most := least(most, q.running - cardinality(busy)); end if;
    end if;
    if top is null or most <= 0 then return null; end if;
    select case when count(*) < 100 then coalesce(array_agg(f.key), '{}') end into late
        from (select j.key from job j where j.queue = q.name and j.late and j.state = 2 and j.crashes = 0
              order by j.okey, j.id limit 100) f;
    loop
        keys := keys_down(q.name, round_at, null, width);
        is_all := (cardinality(keys) < width) is not false;
        if is_all and round_at < top then
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
create function charge_keys(q queue, l line_of_keys, most integer, now bigint) returns void language plpgsql as $$
declare
    until bigint := believed_until(now);
begin
    -- Of each key the last one in the line has come furthest, and of those that are not late the last one is the water.
    insert into key_share as s (queue, key, served, tokens, filled, water, water_id, trusted)
        select q.name, c.key, (l.turns)[c.last] + 1 / weight_of(q, c.key), q.burst_per_key - c.n, now,
               coalesce((l.waters)[c.known], 0), coalesce((l.ids)[c.known], 0), until
        from (select u.key, count(*) as n, max(u.nth) as last, max(u.nth) filter (where u.water <> 0) as known
              from unnest(l.keys[:most], l.waters[:most]) with ordinality as u (key, water, nth) group by u.key) c
        on conflict (queue, key) do update
            set served = excluded.served,
                tokens = refilled(s.tokens, s.filled, q.rate_per_key, q.burst_per_key, now) + excluded.tokens - q.burst_per_key,
                filled = now,
                water = case when excluded.water <> 0 then excluded.water else s.water end,
                water_id = case when excluded.water <> 0 then excluded.water_id else s.water_id end,
                trusted = case when is_trusted(s.trusted, now) or excluded.water = 0 then s.trusted else excluded.trusted end;
end $$;

-- As in 012.
create function heads_by_limits(me bigint, q queue, prompt integer, most integer, out places tid[], out in_order bigint[])
language plpgsql as $$
declare
    spared integer := case when most > prompt then hands_of_others(me, q) else 0 end;
    now bigint := now_us();
    l line_of_keys;
    open_places integer;
    come double precision;
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
        select array_agg(u.id), array_agg(u.key), array_agg(u.turn), array_agg(u.water), count(*)
            into l.ids, l.keys, l.turns, l.waters, most
            from (select * from unnest(l.places[:most], l.ids, l.keys, l.turns, l.waters) as a (place, id, key, turn, water)) u
            where u.place = any (places);
    end if;
    if q.fair or q.rate_per_key > 0 then perform charge_keys(q, l, most, now); end if;
    if q.fair or q.rate > 0 then
        -- How far all have come: as far as whoever was last, or as the round has at its key.
        come := case when l.is_all then l.turns[most] when l.keys[most] > q.next_key then q.had + 1 else q.had end;
        update queue set tokens = case when q.rate > 0 then refilled(q.tokens, q.filled, q.rate, q.burst, now) - cardinality(places) end,
                         filled = now, had = greatest(q.had, come),
                         next_key = case when l.is_all then q.next_key else l.keys[most] end
            where name = q.name;
    end if;
end $$;

-- What a worker is told of a job: as in 003, and its turn among those of its queue; null: they start in their own order.
create type handed_out as (
    id bigint, epoch bigint, okey bigint, inserted bigint, run_at bigint, timeout bigint, attempts integer, crashes integer,
    late boolean, has_steps boolean, kind text, queue text, key text, arguments bytea, arguments_type text, tags text[],
    retry double precision[], turn bigint
);

-- As the claim of 015; the rows come as they lie in the table. In queues with limits the lock comes first, before anything is charged.
create function hand_out(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean)
returns setof handed_out language plpgsql rows 500
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set jit = off
as $$
declare
    called text;
    now bigint := now_us();
    q queue%rowtype;
    taken integer := 0;
    most integer;
    got integer;
    turns integer := cardinality(names);
    places tid[];
    in_order bigint[];  -- null: their own
    line_ids bigint[]; line_turns bigint[];
    is_held boolean;    -- the worker's row, until the commit: nobody can declare it dead between its claim and that
begin
    is_held := suspect or exists (select from queue where name = any (names) and (is_limited(queue) or queue.fair));
    if is_held then perform from worker w where w.id = me for key share; end if;
    -- One whose lease has passed gets nothing until it has beaten again.
    select w.name into called from worker w where w.id = me and not w.gone and w.expires > now_us();
    if not found then
        perform refuse_old(w.version) from worker w where w.id = me;
        return;
    end if;
    if suspect and idle = 0 then return; end if;
    perform promote(names);
    if is_held then
        perform from queue where name = any (names) and (is_limited(queue) or queue.fair) order by name for no key update;
    end if;
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
                places := heads(names[turn], most, least(waters[turn], now - 2000000));
            end if;
            continue when cardinality(places) = 0 or places is null;
            if not is_held then
                perform from worker w where w.id = me and not w.gone and w.expires > now_us() for key share;
                if not found then return; end if;
                is_held := true;
            end if;
            if q.running > 0 or q.running_per_key > 0 then perform note_running(q, places); end if;
            if exists (select from unique_key) then
                delete from unique_key u using job j
                    where j.ctid = any (places) and j.unique_until = 0 and u.kind = j.kind and u.key = j.unique_key and u.job = j.id;
            end if;
            -- Sorted by id, so that the turn of each is found by halves: array_position() walks through all of them.
            select array_agg(o.id order by o.id), array_agg(o.turn order by o.id) into line_ids, line_turns
                from unnest(in_order) with ordinality as o (id, turn);
            return query
            update job j set state = 3, epoch = j.epoch + 1, worker = me, worker_name = called, started = now_us(), ended = null
                where j.ctid = any (places) and j.state + 0 = 2
                returning j.id, j.epoch, j.okey, j.inserted, j.run_at, j.timeout, j.attempts, j.crashes, j.late, j.has_steps, j.kind,
                          j.queue, j.key, j.arguments, j.arguments_type, j.tags, j.retry, line_turns[width_bucket(j.id, line_ids)];
            get diagnostics got = row_count;
            insert into tally (queue, available, running) values (names[turn], -got, got);
            taken := taken + got;
            if suspect and taken > 0 then return; end if;
        end loop;
    end loop;
end $$;

alter function hand_out(bigint, text[], bigint[], integer, integer, boolean) set plan_cache_mode = force_generic_plan;

-- For the workers of older programs.
create or replace function claim(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean)
returns setof claimed language sql rows 500 as $$
    select id, epoch, okey, inserted, run_at, timeout, attempts, crashes, late, has_steps, kind, queue, key, arguments, arguments_type,
           tags, retry
    from hand_out(me, names, waters, idle, ahead, suspect) order by turn, okey, id
$$;

-- As in 005.
create or replace function settle(
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
    with gone as (
        delete from job j using unnest(ids, epochs, verdicts, rans, overlapped, results, types)
            as f (id, epoch, verdict, ran, overlap, result, type)
        where j.id = f.id and j.epoch = f.epoch and j.worker = me and (f.verdict in (0, 2, 3) or j.cancel_asked)
        -- First what is looked at again: a column is found by going over all before it.
        returning j.id, j.has_children, j.unique_until, f.verdict,
                  case when f.verdict = 0 then 5 when f.verdict = 2 and not j.cancel_asked then 7 else 6 end as final, j.queue,
                  j.okey, j.run_at, j.inserted, j.started, j.epoch, j.timeout, j.unique_window, j.attempts, j.crashes,
                  j.interruptions, j.priority, j.orphaned, j.late, j.cancel_asked, j.has_steps, j.progress, j.kind, j.key,
                  j.arguments, j.arguments_type, j.tags, j.retry, j.unique_key, j.after, j.worker_name, j.note,
                  f.ran, f.overlap, f.result, f.type),
    kept as (
        insert into finished
            select id, okey, run_at, inserted, case when ran > 0 then now - ran else started end, epoch, null, timeout, unique_window,
                   attempts + (verdict < 3)::integer, crashes, interruptions + (verdict = 6)::integer, priority, final,
                   verdict, orphaned, unique_until, late, cancel_asked, overlap, has_children, has_steps, progress,
                   kind, queue, key, arguments, arguments_type, tags, retry, unique_key, after, worker_name, note, now, result, type
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

alter function settle(bigint, bigint[], bigint[], smallint[], bigint[], bigint[], boolean[], bytea[], text[], bytea[], integer)
    set plan_cache_mode = force_generic_plan;
