-- What each migration that makes tables asks for: whose rows a transaction may see. The settings
-- are read once a statement, in queries of their own, and not once a row.
create function kernel.keep_apart(schema_name text, table_name text) returns void
language plpgsql as $$
begin
    execute format('alter table %I.%I enable row level security', schema_name, table_name);
    execute format('alter table %I.%I force row level security', schema_name, table_name);
    execute format(
        'create policy own_organisation on %I.%I using ('
        '(select current_setting(''beffroi.everything'', true) = ''on'') '
        'or organisation = (select current_setting(''beffroi.organisation'', true)))',
        schema_name, table_name);
end $$;

create function kernel.keep_to_platform(schema_name text, table_name text) returns void
language plpgsql as $$
begin
    execute format('alter table %I.%I enable row level security', schema_name, table_name);
    execute format('alter table %I.%I force row level security', schema_name, table_name);
    execute format(
        'create policy platform_only on %I.%I using ('
        '(select current_setting(''beffroi.everything'', true) = ''on''))',
        schema_name, table_name);
end $$;
