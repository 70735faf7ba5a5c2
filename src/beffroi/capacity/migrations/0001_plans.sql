-- Plans as they were made: the inventory they answered to, the placement, the proof. They belong
-- to the platform: an inventory shows the machines of every organisation.
create schema capacity;

create table capacity.plan (
    id text primary key,
    title text not null,
    actor text not null,
    made_at timestamptz not null,
    hosts_before integer not null,
    hosts_after integer not null,
    gap integer not null,
    holds boolean not null,
    document jsonb not null,
    savings jsonb
);

select kernel.keep_to_platform('capacity', 'plan');
