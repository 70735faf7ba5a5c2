-- What the writer adds to history it writes as text, which nothing has to take apart, without what
-- columns tell. said: the instance as JSON, less when it was made and changed. instance: as whole
-- JSON, in rows from before and in those that were corrected; a row has one of the two.
alter table exchange.history
    alter column instance drop not null,
    add column said text,
    add column created_at timestamptz,
    add column modified_at timestamptz;

-- An instance, to look into: without its times.
create function exchange.instance_of(instance jsonb, said text) returns jsonb
language sql immutable parallel safe as $$ select coalesce(instance, said::jsonb) $$;

create function exchange.written_instant(at timestamptz) returns text
language sql stable parallel safe as $$
    select rtrim(to_json(at at time zone 'UTC')::text, '"') || 'Z"'
$$;

-- An instance with its times, as text.
create function exchange.instance_text(
    instance jsonb, said text, created_at timestamptz, modified_at timestamptz) returns text
language sql stable parallel safe as $$
    select case when said is null then instance::text else left(said, -1)
        || coalesce(',"created_at":' || exchange.written_instant(created_at), '')
        || coalesce(',"modified_at":' || exchange.written_instant(modified_at), '') || '}' end
$$;

-- Most entities are in no scope; an index of all has an entry for each of those as well.
drop index exchange.entity_in_scope;
create index entity_in_scope on exchange.entity using gin (scopes) where cardinality(scopes) > 0;
