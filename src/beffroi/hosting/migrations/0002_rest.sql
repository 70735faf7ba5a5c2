alter table hosting.application
    add column rest text not null default 'awake' check (rest in ('awake', 'frozen', 'asleep')),
    add column rest_reason text not null default '';
