-- A correction is asked for by a person, counters one that another body got, or bills use that was
-- recorded only after its month was issued.
alter table ledger.correction
    add column kind text not null default 'asked' check (kind in ('asked', 'counter', 'late_use')),
    add column counters bigint references ledger.correction;
alter table ledger.correction
    drop constraint correction_reason_check,
    add constraint correction_reason_check check (reason <> '' or kind = 'late_use'),
    add constraint correction_counters_check check ((counters is null) = (kind <> 'counter'));

-- The organisations that a body answers for now, by the accounts that hold. An organisation that got
-- another name reads its body's earlier statements by it; rows keep the names of their time.
create table ledger.body_organisation (
    body text not null,
    organisation text not null,
    primary key (body, organisation)
);
select kernel.keep_apart('ledger', 'body_organisation');
insert into ledger.body_organisation (body, organisation)
select body.key, jsonb_array_elements_text(body.value -> 'organisations')
from (select document from ledger.accounts order by version desc limit 1) as held,
    jsonb_each(held.document -> 'bodies') as body;

do $$
declare name text;
begin
    foreach name in array array['statement', 'correction'] loop
        execute format('drop policy own_organisations on ledger.%I', name);
        execute format(
            'create policy own_organisations on ledger.%I using ('
            '(select current_setting(''beffroi.everything'', true) = ''on'') '
            'or (select current_setting(''beffroi.organisation'', true)) = any(organisations) '
            'or body in (select one.body from ledger.body_organisation as one where '
            'one.organisation = (select current_setting(''beffroi.organisation'', true))))', name);
    end loop;
end $$;
