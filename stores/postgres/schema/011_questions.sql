-- What people's questions begin with. As in 009, with a plan that is kept; and who asks adds up the counters if that has not been
-- done for long. A sweep does it, but there may be no worker that sweeps, and jobs go in all the same.
create or replace function promote_due() returns void language plpgsql as $$
begin
    if exists (select from tally offset 200) then perform fold(); end if;
    perform promote(array(select name from queue_name n where exists (
        select from job where job.queue = n.name and state in (1, 4) and run_at <= now_us())));
end $$;
