-- The middle of where an entity is, and its longer side, in degrees. PostgreSQL's boxes cannot be
-- looked for behind row-level security (their operators are not leakproof); these numbers can.
alter table exchange.entity
    add column longitude double precision generated always as ((center(bounds))[0]) stored,
    add column latitude double precision generated always as ((center(bounds))[1]) stored,
    add column extent double precision
        generated always as (greatest(width(bounds), height(bounds))) stored;
create index entity_on_map on exchange.entity (tenant, longitude, latitude)
    include (organisation, expires_at, number);
create index entity_by_extent on exchange.entity (tenant, extent) where extent > 0;
