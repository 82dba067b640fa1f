-- A worker with many ends settles them on another connection while it claims. What ends there runs no longer, though its rows may say
-- so yet: the claim is told of it, and gives its places away.

-- A claim reads `queue` first: when this is had, none is at work with the functions that are replaced here.
lock table queue in access exclusive mode;
drop function heads_by_limits(bigint, queue, integer, integer);
drop function first_in_turn(queue, integer, bigint);

-- What a worker is about to settle, sorted by id; null: nothing.
create type ends_beside as (worker bigint, ids bigint[], epochs bigint[]);

create function is_among(e ends_beside, worker bigint, id bigint, epoch bigint) returns boolean language sql immutable as $$
    select coalesce(worker = e.worker and e.ids[width_bucket(id, e.ids)] = id and e.epochs[width_bucket(id, e.ids)] = epoch, false)
$$;

-- As in 017.
create function room(q queue, wanted integer, e ends_beside) returns integer language plpgsql as $$
declare
    now bigint := now_us();
begin
    if q.running > 0 then
        wanted := least(wanted, q.running - (select count(*) from (select from job j where j.queue = q.name and j.state = 3
                                                                   and j.id >= lowest_running(q, now)
                                                                   and not is_among(e, j.worker, j.id, j.epoch) limit q.running) r)::integer);
    end if;
    if q.rate > 0 then
        wanted := least(wanted, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now) + 1e-9)::integer);
    end if;
    return greatest(wanted, 0);
end $$;

create or replace function room(q queue, wanted integer) returns integer language sql as $$ select room(q, wanted, null) $$;

-- As in 017.
create function first_in_turn(q queue, most integer, now bigint, e ends_beside) returns line_of_keys language plpgsql as $$
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
        busy := array(select j.key from job j where j.queue = q.name and j.state = 3 and j.id >= lowest_running(q, now)
                                                  and not is_among(e, j.worker, j.id, j.epoch));
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

-- As in 017.
create function heads_by_limits(q queue, prompt integer, most integer, e ends_beside, out places tid[], out in_order bigint[])
language plpgsql as $$
declare
    spared integer := case when most > prompt then hands_of_others(e.worker, q) else 0 end;
    now bigint := now_us();
    l line_of_keys;
    open_places integer;
    come double precision;
begin
    if spared is null then most := prompt; spared := 0; end if;
    if not (q.fair or q.running_per_key > 0 or q.rate_per_key > 0) then
        open_places := room(q, most + spared, e);
        if open_places = 0 then return; end if;
        places := heads(q.name, least(open_places, most, greatest(prompt, open_places - spared)), 0);
        perform charge(q, places);
        return;
    end if;
    if q.rate > 0 then
        most := least(most, floor(refilled(q.tokens, q.filled, q.rate, q.burst, now) + 1e-9)::integer);
    end if;
    if most <= 0 then return; end if;
    l := first_in_turn(q, most + spared, now, e);
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

-- The turn of each job, sorted by its id. Not two variables: a variable that is an array is copied wherever it is read.
create type turns_by_id as (ids bigint[], turns bigint[]);

-- As in 017.
create function hand_out(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean, over_ids bigint[],
                         over_epochs bigint[])
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
    l turns_by_id;
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
                select * into places, in_order from heads_by_limits(q, case
                    when not is_limited(q) then most
                    -- They start by turns: of the idle workers' places each queue has its part.
                    when round = 1 then least(most, (idle - turn + turns) / turns)
                    else least(most, greatest(idle - taken, 0)) end, most, row(me, over_ids, over_epochs)::ends_beside);
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
            select array_agg(o.id order by o.id), array_agg(o.turn order by o.id) into l
                from unnest(in_order) with ordinality as o (id, turn);
            return query
            update job j set state = 3, epoch = j.epoch + 1, worker = me, worker_name = called, started = now_us(), ended = null
                where j.ctid = any (places) and j.state + 0 = 2
                returning j.id, j.epoch, j.okey, j.inserted, j.run_at, j.timeout, j.attempts, j.crashes, j.late, j.has_steps, j.kind,
                          j.queue, j.key, j.arguments, j.arguments_type, j.tags, j.retry, l.turns[width_bucket(j.id, l.ids)];
            get diagnostics got = row_count;
            insert into tally (queue, available, running) values (names[turn], -got, got);
            taken := taken + got;
            if suspect and taken > 0 then return; end if;
        end loop;
    end loop;
end $$;

alter function hand_out(bigint, text[], bigint[], integer, integer, boolean, bigint[], bigint[]) set plan_cache_mode = force_generic_plan;

-- For the workers of version 17.
create or replace function hand_out(me bigint, names text[], waters bigint[], idle integer, ahead integer, suspect boolean)
returns setof handed_out language sql rows 500 as $$ select * from hand_out(me, names, waters, idle, ahead, suspect, null, null) $$;
