-- A new worker begins where the others are, and one that stops says what it holds. Both looked through all that had been claimed since
-- the last vacuum, which a snapshot held open can make a long walk: .8 s for a million jobs.

-- How far the workers of a queue have come in its order.
create table water (
    queue text collate "C" primary key,
    okey bigint not null
);

create function note_waters(names text[], okeys bigint[]) returns void language sql as $$
    insert into water as w (queue, okey)
        select n.queue, n.okey from unnest(names, okeys) as n (queue, okey)
        order by n.queue  -- all take the rows in the same order
        on conflict (queue) do update set okey = excluded.okey where w.okey < excluded.okey
$$;

-- It stops: what it holds goes back as it came.
create function sign_off(me bigint, ids bigint[], epochs bigint[]) returns void language plpgsql as $$
begin
    if cardinality(ids) > 0 then
        perform settle(me, ids, epochs, array_fill(5::smallint, array[cardinality(ids)]), null, null,
                       array_fill(false, array[cardinality(ids)]), null, null, null, 10);
    end if;
    delete from sleeper where worker = me;
    delete from worker where id = me;
end $$;

-- Of one that does not know all that it holds: the answer to a claim was lost. And for the workers of version 18.
create or replace function sign_off(me bigint) returns void language plpgsql set enable_seqscan = off as $$
declare
    ids bigint[]; epochs bigint[];
begin
    select coalesce(array_agg(id), '{}'), array_agg(epoch) into ids, epochs from job where state = 3 and worker = me;
    perform sign_off(me, ids, epochs);
end $$;
