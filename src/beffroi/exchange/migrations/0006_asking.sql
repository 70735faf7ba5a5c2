-- Questions over many entities read exchange.entity through this table, which stays empty: rows of a
-- child are read past its own policies (PostgreSQL documentation, 5.11), so that operators that are
-- not leakproof may use indexes. What is asked carries the condition of beffroi/exchange/reach.py in
-- the place of the policy; whatever names exchange.entity itself is still held by it.
create table exchange.entity_asked (
    number bigint,
    tenant text,
    id text,
    organisation text,
    types text[],
    scopes text[],
    document jsonb,
    bounds box,
    created_at timestamptz,
    modified_at timestamptz,
    expires_at timestamptz,
    longitude double precision generated always as ((center(bounds))[0]) stored,
    latitude double precision generated always as ((center(bounds))[1]) stored,
    extent double precision
        generated always as (greatest(width(bounds), height(bounds))) stored,
    -- Lets PostgreSQL leave it out of every plan that asks for a tenant.
    constraint stays_empty check (tenant is null) no inherit
);
alter table exchange.entity inherit exchange.entity_asked;
alter table exchange.entity_asked enable row level security;
alter table exchange.entity_asked force row level security;
create policy asked on exchange.entity_asked for select using (true);

-- History is read by equalities and times, whose operators are leakproof: a policy of its own lets
-- questions pass that say so (beffroi/exchange/reach.py), and carry their condition.
create policy asked on exchange.history for select using (
    (select current_setting('beffroi.asks', true) = 'on'));
create policy asked on exchange.evolution for select using (
    (select current_setting('beffroi.asks', true) = 'on'));

-- Of an entity of one type alone, a number for that type, else 0: pages of a type are read in the order of
-- creation, and counted, from an index. unbounded: it is somewhere that no box can say.
alter table exchange.entity_asked
    add column only_type bigint generated always as (
        case when cardinality(types) = 1 then hashtextextended(types[1], 0) else 0 end) stored,
    add column unbounded boolean generated always as (
        bounds is null and document ? 'https://uri.etsi.org/ngsi-ld/location') stored;
create index entity_by_type on exchange.entity (tenant, only_type, number)
    include (organisation, expires_at);
drop index exchange.entity_of_type;
create index entity_of_types on exchange.entity using gin (types) where only_type = 0;
drop index exchange.entity_on_map;
create index entity_on_map on exchange.entity (tenant, longitude, latitude)
    include (organisation, expires_at, number, only_type);
create index entity_unbounded on exchange.entity (tenant, number) where unbounded;

-- What an attribute says, for an index: its value where that is one number, truth or short text;
-- JSON's null where it has to be looked at; nothing where there is none.
create function exchange.key_of(document jsonb, attribute text) returns jsonb
language sql immutable parallel safe as $$
    select case
        when not document ? attribute then null
        when jsonb_array_length(document -> attribute) = 1
            and jsonb_typeof(document -> attribute -> 0 -> 'value') in ('number', 'string', 'boolean')
            and octet_length(document -> attribute -> 0 ->> 'value') <= 400
            then document -> attribute -> 0 -> 'value'
        else 'null'::jsonb
    end
$$;

-- Indexes that are made because questions ask for them: asked_NUMBER, of an attribute's keys. Every
-- patch of an entity costs more while there is one.
create table exchange.asked_index (
    number smallint generated always as identity primary key,
    attribute text not null unique,
    is_ready boolean not null default false,
    asked bigint not null default 0,
    asked_at timestamptz not null default now()
);
select kernel.keep_to_platform('exchange', 'asked_index');
