create schema hosting;

create table hosting.application (
    application text primary key,
    organisation text not null,
    uid_number integer generated always as identity (start with 100) unique,
    stopped boolean not null default false,
    handled text not null default ''
);

create table hosting.release (
    application text not null,
    digest text not null,
    organisation text not null,
    origin text not null,
    size_bytes bigint not null,
    built_at timestamptz not null,
    primary key (application, digest)
);

create table hosting.deployment (
    application text not null,
    number integer not null,
    organisation text not null,
    digest text not null,
    specification jsonb not null,
    state text not null check (state in ('starting', 'serving', 'retired', 'failed')),
    reason text not null default '',
    created_at timestamptz not null,
    actor text not null,
    primary key (application, number)
);
create unique index one_serving_deployment on hosting.deployment (application)
    where state = 'serving';

create table hosting.secret (
    application text not null,
    name text not null,
    organisation text not null,
    sealed bytea not null,
    set_at timestamptz not null default now(),
    primary key (application, name)
);

create table hosting.job_run (
    application text not null,
    job text not null,
    organisation text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status integer,
    output text not null default '',
    primary key (application, job, started_at)
);

do $$
declare name text;
begin
    foreach name in array array['application', 'release', 'deployment', 'secret', 'job_run'] loop
        execute format('alter table hosting.%I enable row level security', name);
        execute format('alter table hosting.%I force row level security', name);
        execute format(
            'create policy own_organisation on hosting.%I using ('
            'current_setting(''beffroi.everything'', true) = ''on'' '
            'or organisation = current_setting(''beffroi.organisation'', true))', name);
    end loop;
end $$;
