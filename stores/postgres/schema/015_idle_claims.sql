-- A claim that finds nothing writes nothing: its commit has nothing to take to the disk. It locked the row of its worker first, which
-- is written to the log, so that each look of each worker that had nothing to do waited for a sync, and made others wait.

-- As in 010. In queues with limits the lock still comes first, before anything is charged.
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
                places := heads(names[turn], most, least(waters[turn], due_before));
            end if;
            continue when cardinality(places) = 0 or places is null;
            if not is_held then
                perform from worker w where w.id = me and not w.gone and w.expires > now_us() for key share;
                if not found then return; end if;
                is_held := true;
            end if;
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

alter function claim(bigint, text[], bigint[], integer, integer, boolean) set plan_cache_mode = force_generic_plan;
