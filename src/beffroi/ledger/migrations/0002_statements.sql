-- Accounts as applied, the highest version being the current one; only the platform reads them.
create table ledger.accounts (
    version bigint primary key check (version > 0),
    applied_at timestamptz not null,
    actor text not null,
    source_digest text not null,
    document jsonb not null
);
select kernel.keep_to_platform('ledger', 'accounts');

-- A month whose statements were issued, with all that they were made from, for replays.
create table ledger.issued_month (
    month date primary key check (extract(day from month) = 1),
    digest text not null,
    records jsonb not null,
    actor text not null,
    issued_at timestamptz not null
);
select kernel.keep_to_platform('ledger', 'issued_month');

-- The last number given of each series. A row is locked until the commit of the statements that
-- take its numbers: a transaction that fails gives them back, so that none is ever missing.
create table ledger.statement_series (
    prefix text not null,
    year integer not null,
    last_number bigint not null check (last_number > 0),
    primary key (prefix, year)
);
select kernel.keep_to_platform('ledger', 'statement_series');

-- A body may answer for several organisations: the people of any of them may read its statements.
create table ledger.statement (
    number text primary key,
    body text not null,
    month date not null references ledger.issued_month,
    organisations text[] not null check (cardinality(organisations) > 0),
    document jsonb not null,
    unique (body, month)
);
create index statement_of_month on ledger.statement (month, number);
create index statement_of_organisation on ledger.statement using gin (organisations);

-- What puts a line right on the body's next statement; open until that one is issued.
create table ledger.correction (
    id bigint generated always as identity primary key,
    body text not null,
    organisations text[] not null check (cardinality(organisations) > 0),
    statement text not null references ledger.statement,
    line integer not null check (line > 0),
    amount_eur numeric(14, 2) not null check (amount_eur <> 0),
    reason text not null check (reason <> ''),
    actor text not null,
    asked_at timestamptz not null,
    settled_by text references ledger.statement
);
create index open_correction on ledger.correction (id) where settled_by is null;
create index correction_of_statement on ledger.correction (statement, line);

do $$
declare name text;
begin
    foreach name in array array['statement', 'correction'] loop
        execute format('alter table ledger.%I enable row level security', name);
        execute format('alter table ledger.%I force row level security', name);
        execute format(
            'create policy own_organisations on ledger.%I using ('
            'current_setting(''beffroi.everything'', true) = ''on'' '
            'or current_setting(''beffroi.organisation'', true) = any(organisations))', name);
    end loop;
end $$;

-- What was issued is never changed, by nobody.
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger.% keeps what was issued: add a correction', tg_table_name;
end $$;

do $$
declare name text;
begin
    foreach name in array array['accounts', 'issued_month', 'statement'] loop
        execute format(
            'create trigger kept_as_issued before update or delete or truncate on ledger.%I '
            'for each statement execute function ledger.refuse_change()', name);
    end loop;
end $$;

-- A correction changes once: when a statement takes it in.
create function ledger.allow_settling_alone() returns trigger language plpgsql as $$
begin
    if old.settled_by is not null or new.settled_by is null
        or to_jsonb(new) - 'settled_by' <> to_jsonb(old) - 'settled_by' then
        raise exception 'ledger.correction % can only be settled, once', old.id;
    end if;
    return new;
end $$;
create trigger settled_once before update on ledger.correction
    for each row execute function ledger.allow_settling_alone();
create trigger kept_as_asked before delete or truncate on ledger.correction
    for each statement execute function ledger.refuse_change();
