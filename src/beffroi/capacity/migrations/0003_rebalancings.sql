-- Better placements as they were found: loads, moves, costs, checks. They belong to the platform:
-- an inventory shows the machines of every organisation.
create table capacity.rebalancing (
    id text primary key,
    title text not null,
    actor text not null,
    made_at timestamptz not null,
    moves integer not null,
    overload_before bigint not null,
    overload_after bigint not null,
    holds boolean not null,
    document jsonb not null
);

select kernel.keep_to_platform('capacity', 'rebalancing');
