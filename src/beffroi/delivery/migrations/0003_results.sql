-- What visitors asked, in slots of five minutes that begin on the clock's fives; the application
-- '_all' (organisation '') is the sum of the others.
create table delivery.visit_count (
    application text not null,
    organisation text not null,
    slot timestamptz not null,
    requests bigint not null,
    pages bigint not null,
    stored bigint not null,
    stored_pages bigint not null,
    fills bigint not null,
    passes bigint not null,
    passed_pages bigint not null,
    renderings bigint not null,
    bytes bigint not null,
    persons bigint not null,
    crawlers bigint not null,
    probes bigint not null,
    errors bigint not null,
    primary key (application, organisation, slot)
);
create index visit_count_of_slot on delivery.visit_count (slot);

create table delivery.last_use (
    application text primary key,
    organisation text not null,
    at timestamptz not null
);

-- What each application, and each part of the platform (organisation '', a name that begins with
-- an underscore), took in a slot. Only the machine as a whole has joules: 0 without a meter.
create table delivery.cpu_usage (
    subject text not null,
    organisation text not null,
    slot timestamptz not null,
    cpu_s double precision not null check (cpu_s >= 0),
    memory_byte_s double precision not null check (memory_byte_s >= 0),
    running_s double precision not null check (running_s >= 0),
    joules double precision not null check (joules >= 0),
    primary key (subject, organisation, slot)
);
create index cpu_usage_of_slot on delivery.cpu_usage (slot);

-- The counters as read last; what was added since is the usage.
create table delivery.usage_reading (
    subject text primary key,
    organisation text not null,
    run text not null,
    at timestamptz not null,
    cpu_s double precision not null,
    memory_bytes bigint not null,
    joules double precision not null
);

-- How far each log was read; moved in the transaction that keeps what was counted.
create table delivery.visit_cursor (
    log text primary key,
    inode bigint not null,
    position bigint not null,
    mark text not null
);

do $$
declare name text;
begin
    foreach name in array array['visit_count', 'last_use', 'cpu_usage'] loop
        execute format('alter table delivery.%I enable row level security', name);
        execute format('alter table delivery.%I force row level security', name);
        execute format(
            'create policy own_organisation on delivery.%I using ('
            'current_setting(''beffroi.everything'', true) = ''on'' '
            'or organisation = current_setting(''beffroi.organisation'', true))', name);
    end loop;
    foreach name in array array['usage_reading', 'visit_cursor'] loop
        execute format('alter table delivery.%I enable row level security', name);
        execute format('alter table delivery.%I force row level security', name);
        execute format(
            'create policy platform_only on delivery.%I using ('
            'current_setting(''beffroi.everything'', true) = ''on'')', name);
    end loop;
end $$;
