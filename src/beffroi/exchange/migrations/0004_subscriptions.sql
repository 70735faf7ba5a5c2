-- Who wants to be told of what. since: what the log has from before is not told; it moves when a
-- subscription comes back from a pause. due_at: of the next periodic notification. notified_at: of
-- the last change that was told, kept where throttling needs it.
create table exchange.subscription (
    number bigint generated always as identity primary key,
    tenant text not null references exchange.tenant,
    id text not null,
    organisation text not null,
    everything boolean not null,
    document json not null,
    since timestamptz not null default clock_timestamp(),
    created_at timestamptz not null,
    modified_at timestamptz not null,
    notified_at timestamptz,
    due_at timestamptz,
    times_sent bigint not null default 0,
    times_failed bigint not null default 0,
    last_notification timestamptz,
    last_success timestamptz,
    last_failure timestamptz,
    unique (tenant, id)
) with (fillfactor = 70);
create index subscription_due on exchange.subscription (due_at) where due_at is not null;
select kernel.keep_apart('exchange', 'subscription');

-- What there is to tell: kept once, however many are told. Nobody but the platform reads it.
create table exchange.occasion (
    number bigint generated always as identity primary key,
    at timestamptz not null,
    content json not null
);
select kernel.keep_to_platform('exchange', 'occasion');

-- What waits to be sent, and dead letters: what was tried too often. lane: those of one lane and
-- one endpoint are sent one after another.
create table exchange.delivery (
    number bigint generated always as identity primary key,
    subscription bigint not null references exchange.subscription on delete cascade,
    occasion bigint not null references exchange.occasion,
    organisation text not null,
    endpoint text not null check (octet_length(endpoint) <= 2000),
    lane smallint not null,
    attempts int not null default 0,
    due_at timestamptz not null default now(),
    dead_at timestamptz,
    reason text not null default ''
);
create index delivery_waiting on exchange.delivery (endpoint, number) where dead_at is null;
create index delivery_dead on exchange.delivery (dead_at) where dead_at is not null;
create index delivery_of_subscription on exchange.delivery (subscription, number);
create index delivery_of_occasion on exchange.delivery (occasion);
select kernel.keep_apart('exchange', 'delivery');
