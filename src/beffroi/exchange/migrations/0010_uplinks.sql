-- The devices that an uplink heard of. entity: what its messages told of last. battery: percent.
-- ignored: messages that told nothing of an entity, such as joins.
create table exchange.uplink_device (
    organisation text not null,
    uplink text not null,
    device text not null check (length(device) <= 300),
    entity text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    received bigint not null,
    ignored bigint not null,
    battery double precision,
    rssi double precision,
    snr double precision,
    gateways integer,
    primary key (organisation, uplink, device),
    foreign key (organisation, uplink) references exchange.flow on delete cascade
) with (fillfactor = 60);
select kernel.keep_apart('exchange', 'uplink_device');
