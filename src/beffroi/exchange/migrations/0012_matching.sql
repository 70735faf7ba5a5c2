-- An occasion is written with what waits because of it, in one transaction, and forgotten after the
-- last of that: to look for it again at each row costs time and finds nothing.
alter table exchange.delivery drop constraint delivery_occasion_fkey;
