-- What organisations declare of their entities: treatments (the register) and policies (who may see
-- them). source: the file that declares it; "": it was declared by itself.
create table exchange.rule (
    organisation text not null,
    kind text not null check (kind in ('treatment', 'policy')),
    name text not null check (length(name) <= 100),
    source text not null default '',
    document jsonb not null,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null,
    primary key (organisation, kind, name)
);
select kernel.keep_apart('exchange', 'rule');

-- Whether a point lies in an area: each edge is four numbers of the array (from x, y to x, y), and
-- a ray from the point crosses an odd number of them. The same arithmetic decides in Python.
create function exchange.in_area(x double precision, y double precision, edges double precision[])
returns boolean language sql immutable parallel safe as $$
    select x is not null and y is not null and (
        select count(*) % 2 = 1
        from generate_series(1, array_length(edges, 1), 4) as e(i)
        where (edges[i + 1] > y) <> (edges[i + 3] > y)
            and x < (edges[i + 2] - edges[i]) * (y - edges[i + 1])
                / (edges[i + 3] - edges[i + 1]) + edges[i]
    )
$$;

-- Who read personal data of an organisation: rows are added, never changed. What an erased person
-- was called is taken out of ids and purposes; rows are let go after a year.
-- attributes: personal ones that were told. ids: where they are 100 at most.
create table exchange.access (
    number bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    organisation text not null,
    actor text not null,
    actor_organisation text not null,
    verb text not null,
    purpose text not null,
    tenant text not null,
    treatment text not null,
    types text[] not null,
    attributes text[] not null,
    entities bigint not null,
    ids text[] not null
);
create index access_of_organisation on exchange.access (organisation, number);
create index access_with_ids on exchange.access using gin (ids);
select kernel.keep_apart('exchange', 'access');

create function exchange.keep_accesses() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.at < now() - interval '365 days' then
        return old;
    end if;
    if tg_op = 'UPDATE' and current_setting('beffroi.erasing', true) = 'on' then
        old.ids := new.ids;
        old.purpose := new.purpose;
        if old is not distinct from new then
            return new;
        end if;
    end if;
    raise exception 'exchange.access is only added to';
end $$;
create trigger only_added_to before update or delete on exchange.access
    for each row execute function exchange.keep_accesses();
create trigger never_emptied before truncate on exchange.access
    for each statement execute function exchange.keep_accesses();

-- That a person was erased, not who. mark: by which a second request for the same person is known.
create table exchange.erasure (
    number bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    organisation text not null,
    actor text not null,
    mark text not null,
    counts jsonb not null
);
select kernel.keep_apart('exchange', 'erasure');

-- The name that stands for another: HMAC-SHA-256 of it, of which 128 bits are kept. The pads are the
-- blocks that the key becomes; beffroi/exchange/governance/pseudonyms.py works out the same.
create function exchange.pseudonym(name text, inner_pad bytea, outer_pad bytea)
returns text language sql immutable parallel safe as $$
    select substr(encode(
        sha256(outer_pad || sha256(inner_pad || convert_to(name, 'UTF8'))), 'hex'), 1, 32)
$$;

-- The instances of an attribute with pseudonyms in the place of texts; nothing where none is one.
create function exchange.pseudonymised(instances jsonb, inner_pad bytea, outer_pad bytea)
returns jsonb language sql immutable parallel safe as $$
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'kind', case when i.one ->> 'kind' = 'Relationship' then 'Relationship' else 'Property' end,
        'value', 'urn:beffroi:pseudonym:'
            || exchange.pseudonym(i.one ->> 'value', inner_pad, outer_pad),
        'dataset_id', i.one -> 'dataset_id')) order by i.place)
    from jsonb_array_elements(instances) with ordinality as i(one, place)
    where jsonb_typeof(i.one -> 'value') = 'string'
$$;
