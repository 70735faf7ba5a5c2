-- What waits to be sent costs one row and two looks at an index. A delivery's number is that of its
-- occasion, times 2^20, and its place in it: what waits because of an occasion is a range of
-- numbers. Whether its subscription still is, is looked at when its turn comes.
alter table exchange.delivery drop constraint delivery_subscription_fkey;
alter table exchange.delivery drop constraint delivery_pkey;
alter table exchange.delivery alter column number drop identity;
update exchange.delivery d set number = placed.number
from (
    select ctid as place,
        (occasion << 20) + row_number() over (partition by occasion order by number) - 1 as number
    from exchange.delivery
) placed
where d.ctid = placed.place;
drop index exchange.delivery_of_subscription;
drop index exchange.delivery_of_occasion;
drop policy own_organisation on exchange.delivery;
alter table exchange.delivery
    drop column occasion,
    drop column organisation,
    drop column lane,
    alter column due_at drop not null,
    alter column due_at drop default,
    add primary key (number);
create index delivery_dead_of_subscription on exchange.delivery (subscription, number)
    where dead_at is not null;
create policy platform_only on exchange.delivery using (
    (select current_setting('beffroi.everything', true) = 'on'));
comment on column exchange.delivery.due_at is 'Of the next attempt; null: at once.';

-- It is only kept, and read as it was written.
alter table exchange.occasion alter column content type text;
