-- Bodies are read whole: kept as they come they need no second form, and no compression beyond 2 kB.
alter table kernel.log alter column body type json;
alter table kernel.log set (toast_tuple_target = 8160);
