-- Pages deep among very many are found without looking at entities; so are the ids of a type, which
-- questions about history go through in their order.
drop index exchange.entity_in_order;
create index entity_in_order on exchange.entity (tenant, number) include (organisation, expires_at);
drop index exchange.entity_by_type;
create index entity_by_type on exchange.entity (tenant, only_type, number)
    include (organisation, expires_at, id);

-- How many entities there are of each type; one of several types counts for each. Added up by
-- beffroi/exchange/asking/kept_counts.py.
create table exchange.type_count (
    tenant text not null,
    organisation text not null,
    type text not null,
    entities bigint not null,
    primary key (tenant, organisation, type)
) with (fillfactor = 60);
select kernel.keep_apart('exchange', 'type_count');

-- What is not in the counts yet.
create table exchange.type_change (
    tenant text not null,
    organisation text not null,
    type text not null,
    entities bigint not null
);
select kernel.keep_apart('exchange', 'type_change');

create function exchange.counted_came() returns trigger language plpgsql as $$
begin
    insert into exchange.type_change
        select e.tenant, e.organisation, t.type, count(*)
        from came e cross join unnest(e.types) as t(type) group by 1, 2, 3;
    return null;
end $$;
create function exchange.counted_went() returns trigger language plpgsql as $$
begin
    insert into exchange.type_change
        select e.tenant, e.organisation, t.type, -count(*)
        from went e cross join unnest(e.types) as t(type) group by 1, 2, 3;
    return null;
end $$;
create function exchange.counted_otherwise() returns trigger language plpgsql as $$
begin
    insert into exchange.type_change
        select old.tenant, old.organisation, t.type, -1 from unnest(old.types) as t(type)
        union all
        select new.tenant, new.organisation, t.type, 1 from unnest(new.types) as t(type);
    return null;
end $$;
create trigger counted_came after insert on exchange.entity
    referencing new table as came for each statement execute function exchange.counted_came();
create trigger counted_went after delete on exchange.entity
    referencing old table as went for each statement execute function exchange.counted_went();
-- A measure names none of these columns: it never comes as far as the condition.
create trigger counted_otherwise after update of organisation, types on exchange.entity
    for each row when (old.organisation <> new.organisation or old.types <> new.types)
    execute function exchange.counted_otherwise();

insert into exchange.type_count
    select e.tenant, e.organisation, t.type, count(*)
    from exchange.entity e cross join unnest(e.types) as t(type) group by 1, 2, 3;
