create table kernel.operation (
    id text primary key,
    verb text not null,
    subject text not null,
    organisation text not null default '',
    actor text not null,
    state text not null check (state in ('running', 'succeeded', 'failed', 'interrupted')),
    step text not null default '',
    outcome text not null default '',
    error_code text not null default '',
    started_at timestamptz not null,
    finished_at timestamptz
);
create index operation_by_subject on kernel.operation (subject, started_at desc);
create index operation_by_start on kernel.operation (started_at desc);

alter table kernel.operation enable row level security;
alter table kernel.operation force row level security;
create policy own_organisation on kernel.operation using (
    current_setting('beffroi.everything', true) = 'on'
    or organisation = current_setting('beffroi.organisation', true)
);
