-- What an organisation declared to come in and to go out. source: the file that declares it. The
-- flows of a file that declares them no more are gone with all that is known of them. declared: json,
-- which keeps the order of members: that of the columns of a table.
create table exchange.flow (
    organisation text not null,
    name text not null check (length(name) <= 100),
    tenant text not null references exchange.tenant,
    source text not null,
    direction text not null check (direction in ('in', 'out')),
    kind text not null,
    declared json not null,
    files jsonb not null,
    is_paused boolean not null default false,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    primary key (organisation, name)
);
select kernel.keep_apart('exchange', 'flow');

-- How far a flow came, and how it fares. carried, refused: since it was declared.
create table exchange.flow_state (
    organisation text not null,
    name text not null,
    position jsonb,
    carried bigint not null default 0,
    refused bigint not null default 0,
    last_carried_at timestamptz,
    last_observed_at timestamptz,
    failing_since timestamptz,
    last_error jsonb,
    lag_s double precision,
    primary key (organisation, name),
    foreign key (organisation, name) references exchange.flow on delete cascade
) with (fillfactor = 60);
select kernel.keep_apart('exchange', 'flow_state');

-- What each minute carried, for two days.
create table exchange.flow_minute (
    organisation text not null,
    name text not null,
    minute timestamptz not null,
    carried bigint not null,
    refused bigint not null,
    primary key (organisation, name, minute),
    foreign key (organisation, name) references exchange.flow on delete cascade
) with (fillfactor = 60);
create index flow_minute_ends on exchange.flow_minute (minute);
select kernel.keep_apart('exchange', 'flow_minute');

-- What was refused last. content: what of an outgoing flow can be sent again; nothing where only
-- an excerpt is kept. wanted: it is to be sent again.
create table exchange.flow_refused (
    number bigint generated always as identity primary key,
    organisation text not null,
    name text not null,
    at timestamptz not null default clock_timestamp(),
    code text not null,
    facts jsonb not null,
    told text not null,
    content jsonb,
    wanted boolean not null default false,
    foreign key (organisation, name) references exchange.flow on delete cascade
);
create index flow_refused_of on exchange.flow_refused (organisation, name, number);
select kernel.keep_apart('exchange', 'flow_refused');

-- What flows authenticate with, sealed with the machine's key.
create table exchange.secret (
    organisation text not null,
    name text not null check (length(name) <= 100),
    sealed bytea not null,
    set_at timestamptz not null default clock_timestamp(),
    primary key (organisation, name)
);
select kernel.keep_apart('exchange', 'secret');
