-- @contexts that the platform keeps: those given to it (Hosted), those that it made of what a
-- request spelt out (ImplicitlyCreated), both for their tenant alone, and copies of what it was
-- told the address of (Cached), which serve every tenant and stand under the default one.
-- name: where a copy is of; what an implicit one is made of, as a SHA-256; '' of a hosted one.
create table exchange.context (
    id text primary key,
    tenant text not null references exchange.tenant,
    kind text not null check (kind in ('Hosted', 'Cached', 'ImplicitlyCreated')),
    name text not null check (octet_length(name) <= 2000),
    organisation text not null,
    document json not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    hits bigint not null default 0,
    check (kind <> 'Cached' or tenant = '')
);
create unique index context_by_name on exchange.context (tenant, kind, name) where name <> '';
create index context_of_tenant on exchange.context (tenant, kind, created_at);
-- A @context says what names mean and belongs to a tenant, not to an organisation: whoever may
-- use the tenant must read it. No asker's transaction sees the table; the service asks by tenant.
select kernel.keep_to_platform('exchange', 'context');
