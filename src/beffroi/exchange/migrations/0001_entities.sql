-- What is known of the territory now, and what was known of it before. One writer per process
-- changes them, in groups: latest value, history and log in one transaction.
create schema exchange;

-- Where a query or a write names a tenant, its rows are all that it meets.
create table exchange.tenant (
    name text primary key check (length(name) <= 128),
    since timestamptz not null default now()
);
insert into exchange.tenant (name) values ('');

-- document: the attributes as ``exchange.model.Attribute`` by IRI. bounds: of the default
-- location, in degrees; a geometry across the antimeridian has none and is looked at one by one.
create table exchange.entity (
    number bigint generated always as identity,
    tenant text not null references exchange.tenant,
    id text not null,
    organisation text not null,
    types text[] not null check (cardinality(types) > 0),
    scopes text[] not null,
    document jsonb not null,
    bounds box,
    created_at timestamptz not null,
    modified_at timestamptz not null,
    expires_at timestamptz,
    primary key (tenant, id)
) with (fillfactor = 80);
create index entity_in_order on exchange.entity (tenant, number);
create index entity_of_type on exchange.entity using gin (types);
create index entity_in_scope on exchange.entity using gin (scopes);
create index entity_where on exchange.entity using gist (bounds);
create index entity_that_ends on exchange.entity (expires_at) where expires_at is not null;
select kernel.keep_apart('exchange', 'entity');

-- Every instance of an attribute that was ever so. at: when it was observed, else when it was
-- written. number: its value, where that is a number. ended: the attribute was deleted then.
create table exchange.history (
    tenant text not null,
    entity text not null,
    attribute text not null,
    dataset_id text not null,
    number bigint generated always as identity,
    organisation text not null,
    at timestamptz not null,
    written_at timestamptz not null,
    ended boolean not null,
    value double precision,
    instance jsonb not null
) partition by range (written_at);
create index history_of_attribute on exchange.history (tenant, entity, attribute, at);
select kernel.keep_apart('exchange', 'history');

-- Makes the partition of a day (UTC) where it is not there yet.
create function exchange.keep_day(day date) returns void language plpgsql as $$
declare partition_name text := to_char(day, '"history_"YYYY_MM_DD');
begin
    if to_regclass('exchange.' || partition_name) is not null then
        return;
    end if;
    execute format(
        'create table exchange.%I partition of exchange.history for values from (%L) to (%L)',
        partition_name, day::timestamp at time zone 'UTC',
        (day + 1)::timestamp at time zone 'UTC');
    perform kernel.keep_apart('exchange', partition_name);
end $$;
