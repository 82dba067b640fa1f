-- Jobs from plain SQL. Needs nothing but psql:
--
--     psql -q -v ON_ERROR_STOP=1 -f enqueue.sql DATABASE
create table if not exists orders (id bigint generated always as identity primary key, customer text not null);

-- The order and its job, or neither: they are in one transaction.
begin;
insert into orders (customer) values ('ann') returning id as order \gset
select gristmill.insert('order.confirm', jsonb_build_object('order', :order, 'to', 'ann')) as job \gset
commit;
\echo order :order: job :job

begin;
select gristmill.insert('order.confirm', '{"order": 0, "to": "nobody"}') as job \gset
rollback;

-- At most one report waits or runs: the second call is told who has the key.
select gristmill.insert('report', queue => 'reports', priority => 5, unique_key => 'daily') as job \gset
\echo report: job :job
select gristmill.insert('report', queue => 'reports', priority => 5, unique_key => 'daily') as job \gset
\echo again: job :job
