-- Entities that history alone still knows: deleted ones, and those that came as history. What is
-- in exchange.entity prevails. scopes: the last ones.
create table exchange.evolution (
    tenant text not null references exchange.tenant,
    id text not null,
    organisation text not null,
    types text[] not null check (cardinality(types) > 0),
    scopes text[] not null,
    created_at timestamptz not null,
    modified_at timestamptz not null,
    deleted_at timestamptz,
    primary key (tenant, id)
);
create index evolution_of_type on exchange.evolution using gin (types);
select kernel.keep_apart('exchange', 'evolution');

-- When an instance was corrected after it was written; nothing: never.
alter table exchange.history add column changed_at timestamptz;

-- Makes the partition of a day (UTC); returns whether it was there before. Two processes that begin
-- a day together make one.
drop function exchange.keep_day(date);
create function exchange.keep_day(day date) returns boolean language plpgsql as $$
declare partition_name text := to_char(day, '"history_"YYYY_MM_DD');
begin
    if to_regclass('exchange.' || partition_name) is not null then
        return true;
    end if;
    perform pg_advisory_xact_lock(hashtext('exchange.keep_day'));
    if to_regclass('exchange.' || partition_name) is not null then
        return true;
    end if;
    execute format(
        'create table exchange.%I partition of exchange.history for values from (%L) to (%L)',
        partition_name, day::timestamp at time zone 'UTC',
        (day + 1)::timestamp at time zone 'UTC');
    perform kernel.keep_apart('exchange', partition_name);
    return false;
end $$;
