-- The index of the pages that the web server answers by itself. Keys compare as bytes: a prefix
-- is then a range of the primary key, and the order is that of the code points.
create table delivery.page (
    host text collate "C" not null,
    path text collate "C" not null,
    query text collate "C" not null,
    application text not null,
    organisation text not null,
    header_set text not null,
    answer text not null,
    size_bytes bigint not null,
    stored_at timestamptz not null,
    fresh_until timestamptz not null,
    stale_while_until timestamptz not null,
    stale_error_until timestamptz not null,
    primary key (host, path, query)
);
create index page_of_application on delivery.page (application);

create table delivery.page_tag (
    host text collate "C" not null,
    path text collate "C" not null,
    query text collate "C" not null,
    application text not null,
    organisation text not null,
    tag text collate "C" not null,
    primary key (host, path, query, application, tag),
    foreign key (host, path, query) references delivery.page on delete cascade
);
create index page_of_tag on delivery.page_tag (application, tag);

create table delivery.purge (
    id bigint generated always as identity primary key,
    application text not null,
    organisation text not null,
    kind text not null check (kind in ('url', 'prefix', 'tag', 'site')),
    value text not null,
    actor text not null,
    requested_at timestamptz not null default now(),
    done_at timestamptz,
    pages integer,
    check ((done_at is null) = (pages is null))
);
create index pending_purge on delivery.purge (id) where done_at is null;
create index purge_of_application on delivery.purge (application, id);

do $$
declare name text;
begin
    foreach name in array array['page', 'page_tag', 'purge'] loop
        execute format('alter table delivery.%I enable row level security', name);
        execute format('alter table delivery.%I force row level security', name);
        execute format(
            'create policy own_organisation on delivery.%I using ('
            'current_setting(''beffroi.everything'', true) = ''on'' '
            'or organisation = current_setting(''beffroi.organisation'', true))', name);
    end loop;
end $$;

-- Many answers of many organisations share a header set: it belongs to the platform.
create table delivery.header_set (
    digest text primary key,
    number smallint not null unique check (number between 0 and 4095),
    application text not null,
    encoded jsonb not null,
    added_at timestamptz not null default now()
);
-- The last number that was given: one that is free again is given last, when the web server has
-- long forgotten whose it was.
create sequence delivery.header_set_number as integer minvalue 0 maxvalue 4095 start 0 cycle;
alter table delivery.header_set enable row level security;
alter table delivery.header_set force row level security;
create policy platform_only on delivery.header_set
    using (current_setting('beffroi.everything', true) = 'on');
