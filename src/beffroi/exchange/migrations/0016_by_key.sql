-- Whoever looks for one entity names its id first: nothing else begins with it, so that PostgreSQL has
-- no other way, whatever it expects of the tenant.
set local statement_timeout = 0;
alter table exchange.entity drop constraint entity_pkey;
alter table exchange.entity add constraint entity_pkey primary key (id, tenant);
-- A page has room for the next versions of several of its entities: a group of hundreds of measures
-- often meets two of one page, and the second would be written to every index.
alter table exchange.entity set (fillfactor = 60);
