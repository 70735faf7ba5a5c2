-- History is looked for by numbers: names in full in every entry of its index took most of what a
-- write costs. Rows keep the names, which decide; two of them share a number once in 2^64.
create function exchange.entity_key(tenant text, entity text) returns bigint
language sql immutable parallel safe as $$ select hashtextextended(tenant || chr(10) || entity, 0) $$;

alter table exchange.history
    add column entity_key bigint not null
        generated always as (hashtextextended(tenant || chr(10) || entity, 0)) stored,
    add column attribute_key bigint not null
        generated always as (hashtextextended(attribute, 0)) stored;
drop index exchange.history_of_attribute;
create index history_of_attribute on exchange.history (entity_key, attribute_key, at);
-- What was written since a time, for the followers of history: next to nothing at each write.
create index history_as_written on exchange.history using brin (written_at)
    with (pages_per_range = 32, autosummarize = on);

-- The days that history has partitions of.
create function exchange.history_days() returns setof date language sql stable as $$
    select to_date(right(c.relname, 10), 'YYYY_MM_DD') from pg_inherits i
    join pg_class c on c.oid = i.inhrelid where i.inhparent = 'exchange.history'::regclass
$$;

-- The writer sees to the tenants of a group at once; a look for each row is a tenth of an insert.
alter table exchange.entity drop constraint entity_tenant_fkey;
-- A document that grows past 2 kB is not compressed at every change.
alter table exchange.entity set (toast_tuple_target = 8160);

-- How long history is kept, type by type: in full, and as figures of hours and days. Of the types
-- of an entity the one that is kept least counts; types that are not here are kept for ever.
create table exchange.retention (
    organisation text not null,
    tenant text not null default '',
    type text not null,
    raw_days integer not null check (raw_days between 1 and 36525),
    rolled_days integer not null check (rolled_days between raw_days and 36525),
    changed_at timestamptz not null default clock_timestamp(),
    primary key (organisation, tenant, type)
);
select kernel.keep_apart('exchange', 'retention');

-- What the numbers of an hour (hours = 1) or a day (24) come to, by the time observed (at: its
-- beginning, UTC). instances: also those that are no numbers.
create table exchange.rollup (
    entity_key bigint not null,
    attribute_key bigint not null,
    hours smallint not null,
    at timestamptz not null,
    organisation text not null,
    tenant text not null,
    entity text not null,
    attribute text not null,
    dataset_id text not null,
    instances bigint not null,
    numbers bigint not null,
    low double precision,
    high double precision,
    total double precision,
    primary key (entity_key, attribute_key, hours, at, dataset_id)
) with (fillfactor = 70);
create index rollup_by_age on exchange.rollup using brin (at);
select kernel.keep_apart('exchange', 'rollup');
create policy asked on exchange.rollup for select using (
    (select current_setting('beffroi.asks', true) = 'on'));

-- Until when history was rolled up, by the time written.
create table exchange.rolled_until (
    only_one boolean primary key default true check (only_one),
    at timestamptz not null
);
insert into exchange.rolled_until (at) values ('-infinity');
