-- What was foreseen of a plan, the newest answer for the platform of the plan and for today's.
create table capacity.foresight (
    plan_id text not null references capacity.plan on delete cascade,
    start text not null,
    actor text not null,
    made_at timestamptz not null,
    wanted jsonb not null,
    found jsonb not null,
    primary key (plan_id, start)
);

select kernel.keep_to_platform('capacity', 'foresight');
