-- What each application used, a record a minute. All amounts are whole numbers, so that a sum is
-- the same in whatever order it is made: microseconds of CPU, MiB times milliseconds, bytes,
-- milliseconds, millijoules. A record may stand for more than its minute: one an hour is made of
-- a long time without readings, and of every month that was folded.
create schema ledger;

create table ledger.usage (
    minute timestamptz not null,
    cpu_us bigint not null check (cpu_us >= 0),
    memory_mib_ms bigint not null check (memory_mib_ms >= 0),
    storage_mib_ms bigint not null check (storage_mib_ms >= 0),
    database_mib_ms bigint not null check (database_mib_ms >= 0),
    backup_mib_ms bigint not null check (backup_mib_ms >= 0),
    traffic_bytes bigint not null check (traffic_bytes >= 0),
    requests bigint not null check (requests >= 0),
    running_ms bigint not null check (running_ms >= 0),
    marginal_mj bigint not null check (marginal_mj >= 0),
    idle_mj bigint not null check (idle_mj >= 0),
    minutes smallint not null check (minutes between 0 and 60),
    modelled boolean not null,
    application text not null,
    organisation text not null,
    primary key (application, organisation, minute)
) partition by range (minute);
create index usage_of_minute on ledger.usage using brin (minute) with (pages_per_range = 32);
select kernel.keep_apart('ledger', 'usage');

-- The energy of each host: what its applications got (idle and marginal), what nobody reserved,
-- what the platform itself took; together exactly energy_mj. The overhead of the room is apart.
create table ledger.host_energy (
    minute timestamptz not null,
    energy_mj bigint not null check (energy_mj >= 0),
    low_mj bigint not null check (low_mj between 0 and energy_mj),
    high_mj bigint not null check (high_mj >= energy_mj),
    idle_mj bigint not null check (idle_mj >= 0),
    marginal_mj bigint not null check (marginal_mj >= 0),
    unreserved_mj bigint not null check (unreserved_mj >= 0),
    platform_mj bigint not null check (platform_mj >= 0),
    overhead_mj bigint not null check (overhead_mj >= 0),
    modelled boolean not null,
    host text not null,
    primary key (host, minute),
    check (idle_mj + marginal_mj + unreserved_mj + platform_mj = energy_mj)
) partition by range (minute);
select kernel.keep_to_platform('ledger', 'host_energy');

-- The meters as read last; moved in the transaction that keeps what was used since.
create table ledger.reading (
    subject text not null,
    meter text not null,
    run text not null,
    value bigint not null,
    at timestamptz not null,
    doubted_value bigint,
    doubted_at timestamptz,
    primary key (subject, meter),
    check ((doubted_value is null) = (doubted_at is null))
) with (fillfactor = 60);
select kernel.keep_to_platform('ledger', 'reading');

-- Readings that cannot be: put aside, counted for nothing.
create table ledger.suspect_reading (
    subject text not null,
    meter text not null,
    run text not null,
    at timestamptz not null,
    value double precision not null,
    before double precision,
    reason text not null
);
create index suspect_reading_of_subject on ledger.suspect_reading (subject, at desc);
select kernel.keep_to_platform('ledger', 'suspect_reading');

create table ledger.usage_month (
    month date primary key check (extract(day from month) = 1),
    folded_at timestamptz
);
select kernel.keep_to_platform('ledger', 'usage_month');

create function ledger.partition_of(table_name text, month date) returns text
language sql immutable as $$ select table_name || to_char(month, '_YYYY_MM') $$;

create function ledger.attach_month(table_name text, partition_name text, of_month date)
returns void language plpgsql as $$
begin
    execute format(
        'alter table ledger.%I attach partition ledger.%I for values from (%L) to (%L)',
        table_name, partition_name, of_month::timestamp at time zone 'UTC',
        (of_month + interval '1 month')::timestamp at time zone 'UTC');
end $$;

-- Makes the partitions of a month (UTC) where they are not there yet.
create function ledger.keep_month(of_month date) returns void language plpgsql as $$
declare table_name text;
begin
    if exists (select from ledger.usage_month where month = of_month) then
        return;
    end if;
    foreach table_name in array array['usage', 'host_energy'] loop
        execute format('create table ledger.%I (like ledger.%I including all)',
            ledger.partition_of(table_name, of_month), table_name);
        perform ledger.attach_month(
            table_name, ledger.partition_of(table_name, of_month), of_month);
    end loop;
    perform kernel.keep_apart('ledger', ledger.partition_of('usage', of_month));
    perform kernel.keep_to_platform('ledger', ledger.partition_of('host_energy', of_month));
    insert into ledger.usage_month (month) values (of_month);
end $$;

-- Puts one record an hour in the place of a month's records of minutes: no sum changes.
create function ledger.fold_month(of_month date) returns void language plpgsql as $$
declare
    usage_name text := ledger.partition_of('usage', of_month);
    energy_name text := ledger.partition_of('host_energy', of_month);
begin
    create table ledger.folded_usage (like ledger.usage including all);
    execute format(
        'insert into ledger.folded_usage select date_trunc(''hour'', minute, ''UTC''), '
        'sum(cpu_us), sum(memory_mib_ms), sum(storage_mib_ms), sum(database_mib_ms), '
        'sum(backup_mib_ms), sum(traffic_bytes), sum(requests), sum(running_ms), '
        'sum(marginal_mj), sum(idle_mj), least(60, sum(minutes)), bool_or(modelled), '
        'application, organisation from ledger.%I group by 1, application, organisation '
        'order by 1', usage_name);
    create table ledger.folded_energy (like ledger.host_energy including all);
    execute format(
        'insert into ledger.folded_energy select date_trunc(''hour'', minute, ''UTC''), '
        'sum(energy_mj), sum(low_mj), sum(high_mj), sum(idle_mj), sum(marginal_mj), '
        'sum(unreserved_mj), sum(platform_mj), sum(overhead_mj), bool_or(modelled), host '
        'from ledger.%I group by 1, host', energy_name);
    execute format('drop table ledger.%I', usage_name);
    execute format('drop table ledger.%I', energy_name);
    execute format('alter table ledger.folded_usage rename to %I', usage_name);
    execute format('alter table ledger.folded_energy rename to %I', energy_name);
    perform kernel.keep_apart('ledger', usage_name);
    perform kernel.keep_to_platform('ledger', energy_name);
    perform ledger.attach_month('usage', usage_name, of_month);
    perform ledger.attach_month('host_energy', energy_name, of_month);
    update ledger.usage_month set folded_at = now() where month = of_month;
end $$;

create function ledger.drop_month(of_month date) returns void language plpgsql as $$
begin
    execute format('drop table ledger.%I', ledger.partition_of('usage', of_month));
    execute format('drop table ledger.%I', ledger.partition_of('host_energy', of_month));
    delete from ledger.usage_month where month = of_month;
end $$;
