-- What people call an entity, for looking it up: the instances of its name, under the names that the
-- core context, Smart Data Models and schema.org have for that; nothing where it has none.
create function exchange.name_of(document jsonb) returns jsonb
language sql immutable parallel safe as $$
    select coalesce(
        document -> 'https://uri.etsi.org/ngsi-ld/default-context/name',
        document -> 'https://smartdatamodels.org/name',
        document -> 'https://schema.org/name',
        document -> 'http://schema.org/name',
        document -> 'https://uri.etsi.org/ngsi-ld/name',
        document -> 'https://uri.fiware.org/ns/data-models#name')
$$;

-- The words of a text without accents or case, 12 at most.
create function exchange.words_in(told text) returns setof text
language sql immutable parallel safe as $$
    select left(w.word, 40) from string_to_table(lower(case
        -- Most names have no accents; to look for each of those takes four times as long.
        when octet_length(told) = length(told) then translate(left(told, 400),
            '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~' || E'\t\n', repeat(' ', 34))
        else translate(replace(replace(replace(replace(
            normalize(left(told, 400)), 'œ', 'oe'), 'Œ', 'oe'), 'æ', 'ae'), 'Æ', 'ae'),
        'ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆ'
            || 'ćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐő'
            || 'ŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽž'
            || '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~’‘«»“”–—…·°' || E'\u00a0\u202f\t\n',
        'aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyyaaaaaac'
            || 'cccccccddeeeeeeeeeegggggggghhiiiiiiiiijjkkllllllnnnnnnoooooo'
            || 'rrrrrrssssssssttttuuuuuuuuuuuuwwyyyzzzzzz'
            || repeat(' ', 47)) end), ' ') as w(word)
    where w.word <> '' limit 12
$$;

-- The words of a name, in all languages.
create function exchange.words_of(instances jsonb) returns setof text
language sql immutable parallel safe as $$
    select exchange.words_in(case
        when jsonb_array_length(instances) = 1 and jsonb_typeof(instances -> 0 -> 'value') = 'string'
        then instances -> 0 ->> 'value'
        else (select string_agg(distinct t.told #>> '{}', ' ') from jsonb_path_query(
            instances, 'lax $[*].value.** ? (@.type() == "string")') as t(told))
    end)
$$;

-- The words that entities are called by, kept by the writer; number: of the entity.
create table exchange.name_word (
    tenant text not null,
    organisation text not null,
    word text collate "C" not null,
    number bigint not null,
    primary key (tenant, organisation, word, number)
);
select kernel.keep_apart('exchange', 'name_word');
create policy asked on exchange.name_word for select using (
    (select current_setting('beffroi.asks', true) = 'on'));

insert into exchange.name_word
    select e.tenant, e.organisation, w.word, e.number
    from exchange.entity e cross join lateral exchange.words_of(exchange.name_of(e.document)) as w(word)
    where exchange.name_of(e.document) is not null on conflict do nothing;

-- What came in minute by minute by doors that are no flows, for two days: accounts write what they
-- ask the API for; over MQTT they send it to the topics of entities.
create table exchange.door_minute (
    organisation text not null,
    door text not null check (door in ('accounts', 'mqtt')),
    minute timestamptz not null,
    carried bigint not null,
    refused bigint not null,
    primary key (organisation, door, minute)
) with (fillfactor = 60);
create index door_minute_ends on exchange.door_minute (minute);
select kernel.keep_apart('exchange', 'door_minute');
