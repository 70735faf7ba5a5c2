-- Where several processes listen for MQTT: the connection that has the name of a client, which is
-- the one that came last. Both tables are of the moment, so that neither is worth a write ahead.
create unlogged table exchange.mqtt_client (
    organisation text not null,
    account text not null,
    client_id text not null,
    session text not null,
    came_at timestamptz not null,
    primary key (account, client_id)
);
select kernel.keep_apart('exchange', 'mqtt_client');
create index mqtt_client_by_time on exchange.mqtt_client (came_at);

-- What each process told of its clients last. rate: messages in a second.
create unlogged table exchange.mqtt_account (
    organisation text not null,
    process text not null,
    account text not null,
    clients integer not null,
    since timestamptz not null,
    messages bigint not null,
    rate double precision not null,
    told_at timestamptz not null,
    primary key (process, account)
);
select kernel.keep_apart('exchange', 'mqtt_account');

-- The entities that an uplink made or may make: what counts for its devices_most.
create table exchange.uplink_entity (
    organisation text not null,
    uplink text not null,
    entity text not null,
    primary key (organisation, uplink, entity),
    foreign key (organisation, uplink) references exchange.flow on delete cascade
);
select kernel.keep_apart('exchange', 'uplink_entity');
insert into exchange.uplink_entity (organisation, uplink, entity)
select distinct organisation, uplink, entity from exchange.uplink_device where entity <> '';

-- How many there are of an uplink; whoever adds to them holds its row.
create table exchange.uplink_count (
    organisation text not null,
    uplink text not null,
    entities integer not null,
    primary key (organisation, uplink),
    foreign key (organisation, uplink) references exchange.flow on delete cascade
);
select kernel.keep_apart('exchange', 'uplink_count');
insert into exchange.uplink_count (organisation, uplink, entities)
select organisation, uplink, count(*) from exchange.uplink_entity group by organisation, uplink;

-- The lock lets one process at a time make a day; that another one made it meanwhile is not seen
-- by name before the transaction takes notice of it, which making it once more does.
create or replace function exchange.keep_day(day date) returns boolean language plpgsql as $$
declare partition_name text := to_char(day, '"history_"YYYY_MM_DD');
begin
    if to_regclass('exchange.' || partition_name) is not null then
        return true;
    end if;
    perform pg_advisory_xact_lock(hashtext('exchange.keep_day'));
    begin
        execute format(
            'create table exchange.%I partition of exchange.history for values from (%L) to (%L)',
            partition_name, day::timestamp at time zone 'UTC',
            (day + 1)::timestamp at time zone 'UTC');
    exception when duplicate_table then
        return true;
    end;
    perform kernel.keep_apart('exchange', partition_name);
    return false;
end $$;
