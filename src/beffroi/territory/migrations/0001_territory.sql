create schema territory;

-- Every territory that was applied, the highest version being the current one. There is no
-- row-level security: a territory belongs to the operator of the platform, not to one of its
-- organisations, and only the operator's verbs read this table.
create table territory.version (
    version bigint primary key check (version > 0),
    applied_at timestamptz not null,
    actor text not null,
    source_digest text not null,
    document jsonb not null
);

create function territory.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'territory.version is append-only';
end $$;

create trigger version_is_append_only before update or delete or truncate on territory.version
    for each statement execute function territory.refuse_change();
