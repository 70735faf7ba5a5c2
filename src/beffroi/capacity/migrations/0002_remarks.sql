-- What was left out of a plan's inventory, taken for granted or advised by the way.
alter table capacity.plan add column remarks jsonb;
