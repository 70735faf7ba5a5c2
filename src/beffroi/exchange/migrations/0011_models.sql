-- What owners declare of the entities of a type. source: the file that declares it. schema: their
-- own JSON Schema, where the model is none of the shipped ones.
create table exchange.model (
    tenant text not null,
    organisation text not null,
    type text not null,
    source text not null,
    declared jsonb not null,
    schema json,
    changed_at timestamptz not null default now(),
    primary key (tenant, organisation, type)
);
select kernel.keep_apart('exchange', 'model');

-- What the last survey saw of the entities of a type. attributes and components: as
-- ``exchange.models.quality`` has them.
create table exchange.type_survey (
    tenant text not null,
    organisation text not null,
    type text not null,
    entities bigint not null,
    changed_at timestamptz,
    observed_at timestamptz,
    period_s double precision,
    silent_after_s double precision,
    score double precision,
    components jsonb not null,
    attributes jsonb not null,
    surveyed_at timestamptz not null,
    primary key (tenant, organisation, type)
);
select kernel.keep_apart('exchange', 'type_survey');

-- The course of the quality, an instant an hour.
create table exchange.quality_course (
    tenant text not null,
    organisation text not null,
    type text not null,
    at timestamptz not null,
    entities bigint not null,
    score double precision,
    components jsonb not null,
    primary key (tenant, organisation, type, at)
);
select kernel.keep_apart('exchange', 'quality_course');
create index quality_course_by_time on exchange.quality_course (at);

-- Entities that lower the quality, the worst of each kind. weight: the more the worse. value and
-- bound: what is so, and from where on it counts, as the kind has it.
create table exchange.quality_finding (
    tenant text not null,
    organisation text not null,
    type text not null,
    kind text not null,
    entity text not null,
    attribute text not null,
    weight double precision not null,
    since timestamptz,
    value double precision,
    bound double precision,
    told text not null
);
select kernel.keep_apart('exchange', 'quality_finding');
create index quality_finding_of_type on exchange.quality_finding (tenant, organisation, type, kind, weight desc);

-- Which accounts write entities of a type; writes that did not fit its model, and those refused.
create table exchange.type_feeder (
    tenant text not null,
    organisation text not null,
    type text not null,
    account text not null,
    writes bigint not null,
    unfit bigint not null,
    refused bigint not null,
    last_at timestamptz not null,
    primary key (tenant, organisation, type, account)
);
select kernel.keep_apart('exchange', 'type_feeder');
