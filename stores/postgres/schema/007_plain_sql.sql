-- For every language: select gristmill.insert('mail', '{"to": "a@b.c"}', queue => 'slow', run_at => now() + interval '1 hour').
-- It runs in the caller's transaction. Returns the id of the job, or of the one that has its unique key. It runs with the rights
-- of the schema's owner and with its own search path, so that who calls it needs no right but this one.
create function insert(
    kind text, arguments jsonb default '{}', queue text default 'default', key text default '', priority integer default 0,
    run_at timestamptz default null, tags text[] default null, timeout interval default null,
    unique_key text default null, unique_for interval default null, after bigint[] default null, orphaned text default 'hold'
) returns bigint language plpgsql security definer set search_path from current as $$
declare
    number bigint := nextval('job_number');
    fate smallint := array_position(array['hold', 'cancel', 'run'], orphaned) - 1;
    holders bigint[];
begin
    perform check_name('kind', kind, false), check_name('queue', queue, false), check_name('key', key, true),
            check_name('unique_key', unique_key, false);
    perform check_name('tags', tag, false) from unnest(tags) tag;
    if cardinality(tags) > 32 then raise exception 'tags: at most 32' using errcode = 'GM001'; end if;
    if cardinality(after) > 1000 then raise exception 'after: at most 1000 jobs' using errcode = 'GM001'; end if;
    if priority is null or priority not between -100 and 100 then
        raise exception 'priority: is not within -100 to 100' using errcode = 'GM001';
    end if;
    if fate is null then raise exception 'orphaned: is hold, cancel or run' using errcode = 'GM001'; end if;
    if arguments is null or octet_length(arguments::text) > 65536 then
        raise exception 'arguments: are null, or longer than 65536 bytes' using errcode = 'GM001';
    end if;
    if timeout < interval '0' or unique_for <= interval '0' then
        raise exception 'timeout, unique_for: are not negative' using errcode = 'GM001';
    end if;
    holders := put(
        false, array[number], array[kind], array[queue], array[key], array[priority::smallint],
        array[coalesce((extract(epoch from run_at) * 1000000)::bigint, 0)], array[convert_to(arguments::text, 'UTF8')], array[null::text],
        array[coalesce((extract(epoch from timeout) * 1000000)::bigint, 0)], array[tags::text], null,
        case when unique_key is not null then array[unique_key] end,
        array[case when unique_for is null then 1 else 2 end::smallint], array[(extract(epoch from unique_for) * 1000000)::bigint],
        case when cardinality(after) > 0 then array[after::text] end, array[fate]);
    return coalesce(nullif(holders[1], 0), number);
end $$;

create function check_name(field text, name text, may_be_empty boolean) returns void language plpgsql immutable as $$
begin
    if name = '' and not may_be_empty or octet_length(name) > 255 or name ~ '[\x01-\x1f\x7f]' then
        raise exception '%: is empty, longer than 255 bytes, or has a control character', field using errcode = 'GM001';
    end if;
    if name is null and field in ('kind', 'queue', 'key', 'tags') then
        raise exception '%: is null', field using errcode = 'GM001';
    end if;
end $$;

-- A role that may put jobs in and nothing else: grant gristmill_enqueue to my_application. Roles belong to the whole server; who
-- may not create one goes without.
do $$
declare
    enqueuer text := current_schema() || '_enqueue';
begin
    execute format('revoke all on all functions in schema %I from public', current_schema());
    begin
        if not exists (select from pg_roles where rolname = enqueuer) then execute format('create role %I nologin', enqueuer); end if;
    exception
        when insufficient_privilege then return;
        when duplicate_object or unique_violation then null;  -- another schema's migration was faster
    end;
    execute format('grant usage on schema %I to %I', current_schema(), enqueuer);
    execute format('grant execute on function insert to %I', enqueuer);
end $$;
