-- Certificates, and what it takes to get them. They belong to the platform and not to an
-- organisation: a wildcard answers for many, and only delivery reads these tables (scope
-- «everything»). The policies keep an organisation's transactions out altogether.
create schema delivery;

create table delivery.certificate (
    name text primary key,
    names text[] not null check (cardinality(names) > 0),
    issuer text not null,
    not_before timestamptz not null,
    not_after timestamptz not null check (not_after > not_before),
    chain text not null,
    digest text not null,
    sealed_key bytea not null,
    issued_at timestamptz not null default now()
);

-- The local authority: at most one row.
create table delivery.authority (
    single boolean primary key default true check (single),
    certificate text not null,
    sealed_key bytea not null,
    made_at timestamptz not null default now()
);

create table delivery.acme_account (
    directory text primary key,
    sealed_key bytea not null,
    made_at timestamptz not null default now()
);

alter table delivery.certificate enable row level security;
alter table delivery.certificate force row level security;
create policy platform_only on delivery.certificate
    using (current_setting('beffroi.everything', true) = 'on');
alter table delivery.authority enable row level security;
alter table delivery.authority force row level security;
create policy platform_only on delivery.authority
    using (current_setting('beffroi.everything', true) = 'on');
alter table delivery.acme_account enable row level security;
alter table delivery.acme_account force row level security;
create policy platform_only on delivery.acme_account
    using (current_setting('beffroi.everything', true) = 'on');
