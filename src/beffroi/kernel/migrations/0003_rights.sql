-- People and programs that may sign in. Read only by the platform itself (scope «everything»).
create table kernel.account (
    name text primary key,
    title text not null default '',
    role text not null check (role in ('operator', 'manager', 'member', 'partner')),
    organisation text not null default '',
    password_hash text not null default '',
    language text not null default 'fr',
    created_at timestamptz not null default now(),
    check (role = 'operator' or organisation <> '')
);

-- A credential is a one-time link, a session or a token; only a digest of it is kept.
create table kernel.credential (
    digest text primary key,
    kind text not null check (kind in ('link', 'session', 'token')),
    account text not null references kernel.account (name) on delete cascade,
    label text not null default '',
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index credential_by_account on kernel.credential (account);

create table kernel.failed_sign_in (
    account text not null,
    at timestamptz not null default now()
);
create index failed_sign_in_by_account on kernel.failed_sign_in (account, at);

alter table kernel.account enable row level security;
alter table kernel.account force row level security;
create policy platform_only on kernel.account
    using (current_setting('beffroi.everything', true) = 'on');
alter table kernel.credential enable row level security;
alter table kernel.credential force row level security;
create policy platform_only on kernel.credential
    using (current_setting('beffroi.everything', true) = 'on');
