-- Near what, of which type: an index on boxes can have types as ranges, without any extension.
drop index exchange.entity_where;
create index entity_where on exchange.entity using gist (
    bounds, (int8range(only_type >> 1, only_type >> 1, '[]')));

-- How many entities lie in each cell of grids of 360 / 2^level degrees, which a map of many entities
-- is drawn from. Those that will expire are not in it; only_type: as of an entity.
create table exchange.map_cell (
    level smallint not null,
    tenant text not null,
    organisation text not null,
    x integer not null,
    y integer not null,
    only_type bigint not null,
    entities bigint not null,
    longitudes double precision not null,
    latitudes double precision not null,
    primary key (level, tenant, organisation, x, y, only_type)
) with (fillfactor = 80);
select kernel.keep_apart('exchange', 'map_cell');

-- What is not in the cells yet. entities: 1 for one that came, -1 for one that went.
create table exchange.map_change (
    tenant text not null,
    organisation text not null,
    only_type bigint not null,
    longitude double precision not null,
    latitude double precision not null,
    entities smallint not null
);
select kernel.keep_apart('exchange', 'map_change');

create function exchange.map_came() returns trigger language plpgsql as $$
begin
    insert into exchange.map_change
        select e.tenant, e.organisation, e.only_type, e.longitude, e.latitude, 1
        from came e where e.longitude is not null and e.expires_at is null;
    return null;
end $$;
create function exchange.map_went() returns trigger language plpgsql as $$
begin
    insert into exchange.map_change
        select e.tenant, e.organisation, e.only_type, e.longitude, e.latitude, -1
        from went e where e.longitude is not null and e.expires_at is null;
    return null;
end $$;
create function exchange.map_moved() returns trigger language plpgsql as $$
begin
    if old.longitude is not null and old.expires_at is null then
        insert into exchange.map_change values (
            old.tenant, old.organisation, old.only_type, old.longitude, old.latitude, -1);
    end if;
    if new.longitude is not null and new.expires_at is null then
        insert into exchange.map_change values (
            new.tenant, new.organisation, new.only_type, new.longitude, new.latitude, 1);
    end if;
    return null;
end $$;
create trigger map_came after insert on exchange.entity
    referencing new table as came for each statement execute function exchange.map_came();
create trigger map_went after delete on exchange.entity
    referencing old table as went for each statement execute function exchange.map_went();
-- A measure names none of these columns: it never comes as far as the condition.
create trigger map_moved after update of organisation, types, bounds, expires_at on exchange.entity
    for each row when (old.longitude is distinct from new.longitude
        or old.latitude is distinct from new.latitude or old.only_type <> new.only_type
        or old.organisation <> new.organisation or old.expires_at is distinct from new.expires_at)
    execute function exchange.map_moved();
insert into exchange.map_change
    select e.tenant, e.organisation, e.only_type, e.longitude, e.latitude, 1
    from exchange.entity e where e.longitude is not null and e.expires_at is null;

create index map_cell_empty on exchange.map_cell (level) where entities = 0;

-- What attributes entities of one type alone have, or once had. The writer adds to it before they
-- have them; who asks for the attributes of a type looks whether an entity has them now.
create table exchange.type_name (
    tenant text not null,
    organisation text not null,
    type text not null,
    attribute text not null,
    kind text not null,
    primary key (tenant, type, attribute, kind, organisation)
);
select kernel.keep_apart('exchange', 'type_name');
create policy asked on exchange.type_name for select using (
    (select current_setting('beffroi.asks', true) = 'on'));
insert into exchange.type_name (tenant, organisation, type, attribute, kind)
    select distinct e.tenant, e.organisation, e.types[1], a.name, i.one ->> 'kind'
    from exchange.entity e cross join jsonb_each(e.document) as a(name, instances)
    cross join jsonb_array_elements(a.instances) as i(one) where e.only_type <> 0;

-- Figures of hours and days also tell how far numbers spread. squares: the sum of squares of the
-- numbers; deviations: that of squares of what they differ by from their mean. Nothing: unknown.
alter table exchange.rollup
    add column squares double precision,
    add column deviations double precision;

-- Numbers, their sum and their deviations, of two sets together; what is too small to square is 0.
-- Source: Chan, Golub, LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
-- Variances, 1979.
create function exchange.spread_added(
    spread double precision[], numbers bigint, total double precision,
    deviations double precision) returns double precision[]
language sql immutable parallel safe as $$
    select case
        when numbers = 0 then spread
        when spread[1] = 0 then array[numbers, total, deviations]
        else (select array[spread[1] + numbers, spread[2] + total, spread[3] + deviations
                + case when abs(apart) > 1e-150 then apart * apart else 0 end
                    * (spread[1] * numbers / (spread[1] + numbers))]
            from (select case when abs(spread[2]) > 1e-290 then spread[2] / spread[1] else 0 end
                - case when abs(total) > 1e-290 then total / numbers else 0 end as apart) as means)
    end
$$;
create aggregate exchange.spread(bigint, double precision, double precision) (
    sfunc = exchange.spread_added, stype = double precision[], initcond = '{0,0,0}',
    parallel = safe);
