-- The log in slices of seq, so that what nobody needs any more goes as files, not row by row
-- (beffroi/kernel/log/trimming.py). A slice is named after the first seq it may hold; the last one
-- is open. What outlives its slice, the acts of people and of the platform, goes to log_kept.
set local statement_timeout = 0;

-- What comes at the pace of measures; everything else in the log is an act.
create function kernel.is_change(kind text) returns boolean language sql immutable parallel safe
as $$ select kind ^@ 'exchange.entity_' or kind ^@ 'exchange.history_' $$;

create or replace function kernel.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and current_setting('beffroi.erasing', true) = 'on' then
        return null;
    end if;
    if tg_op = 'DELETE' and tg_table_name = 'log_kept'
        and current_setting('beffroi.trimming', true) = 'on' then
        return null;
    end if;
    raise exception 'kernel.log is append-only';
end $$;

alter table kernel.log rename to log_1;
alter table kernel.log_1 rename constraint log_pkey to log_1_pkey;
alter table kernel.log_1 alter column seq drop identity;
-- Slices live for days: a vacuum after inserts would read each of them several times for nothing.
alter table kernel.log_1 set (autovacuum_vacuum_insert_threshold = -1);
create index log_1_acts on kernel.log_1 (seq) where not kernel.is_change(kind);

create table kernel.log (
    seq bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    kind text not null,
    subject text not null,
    organisation text not null default '',
    body json not null
) partition by range (seq);
create trigger log_is_append_only before update or delete or truncate on kernel.log
    for each statement execute function kernel.refuse_change();
select kernel.keep_apart('kernel', 'log');

-- Makes a slice; without an end it is the open one.
create function kernel.make_log_slice(low bigint, high bigint) returns void
language plpgsql as $$
declare slice text := 'log_' || low;
begin
    execute format(
        'create table kernel.%I partition of kernel.log for values from (%s) to (%s) '
        'with (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)',
        slice, low, coalesce(high::text, 'maxvalue'));
    execute format('create index on kernel.%I (seq) where not kernel.is_change(kind)', slice);
    execute format(
        'create trigger log_is_append_only before update or delete or truncate on kernel.%I '
        'for each statement execute function kernel.refuse_change()', slice);
    perform kernel.keep_apart('kernel', slice);
end $$;

create table kernel.log_kept partition of kernel.log for values from (minvalue) to (1)
    with (toast_tuple_target = 8160);
create trigger log_is_append_only before update or delete or truncate on kernel.log_kept
    for each statement execute function kernel.refuse_change();
select kernel.keep_apart('kernel', 'log_kept');

do $$
declare high bigint;
begin
    select coalesce(max(seq), 0) + 4097 into high from kernel.log_1;
    execute format(
        'alter table kernel.log attach partition kernel.log_1 for values from (1) to (%s)', high);
    perform kernel.make_log_slice(high, null);
    perform setval(pg_get_serial_sequence('kernel.log', 'seq'), high - 4096, false);
end $$;

-- The slices, the oldest first; of how many entries one may be is told by the next.
create function kernel.log_slices() returns setof bigint language sql stable as $$
    select substring(c.relname from 5)::bigint from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'kernel.log'::regclass and c.relname <> 'log_kept' order by 1
$$;
