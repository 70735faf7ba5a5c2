-- All that was ever counted of each application's visits: what the ledger's meters read.
create table delivery.visit_total (
    application text primary key,
    organisation text not null,
    requests bigint not null,
    bytes bigint not null
);
insert into delivery.visit_total (application, organisation, requests, bytes)
select application, max(organisation), sum(requests), sum(bytes)
from delivery.visit_count where application <> '_all' group by application;
select kernel.keep_apart('delivery', 'visit_total');
