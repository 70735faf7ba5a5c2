-- The log: what was committed, in the order of commit. Appends take an advisory lock until the
-- end of their transaction, so that seq follows the order of commit and a follower that has read
-- up to a seq has missed nothing before it.
create table kernel.log (
    seq bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    kind text not null,
    subject text not null,
    organisation text not null default '',
    body jsonb not null
);

create function kernel.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'kernel.log is append-only';
end $$;

create trigger log_is_append_only before update or delete or truncate on kernel.log
    for each statement execute function kernel.refuse_change();

create table kernel.follower (
    name text primary key,
    seq bigint not null,
    moved_at timestamptz not null default now()
);

alter table kernel.log enable row level security;
alter table kernel.log force row level security;
create policy own_organisation on kernel.log using (
    current_setting('beffroi.everything', true) = 'on'
    or organisation = current_setting('beffroi.organisation', true)
);
