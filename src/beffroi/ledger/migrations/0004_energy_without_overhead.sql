-- What a room takes on top of its hosts is no reading: accounts multiply by a PUE of theirs.
alter table ledger.host_energy drop column overhead_mj;

-- Puts one record an hour in the place of a month's records of minutes: no sum changes.
create or replace function ledger.fold_month(of_month date) returns void language plpgsql as $$
declare
    usage_name text := ledger.partition_of('usage', of_month);
    energy_name text := ledger.partition_of('host_energy', of_month);
begin
    create table ledger.folded_usage (like ledger.usage including all);
    execute format(
        'insert into ledger.folded_usage select date_trunc(''hour'', minute, ''UTC''), '
        'sum(cpu_us), sum(memory_mib_ms), sum(storage_mib_ms), sum(database_mib_ms), '
        'sum(backup_mib_ms), sum(traffic_bytes), sum(requests), sum(running_ms), '
        'sum(marginal_mj), sum(idle_mj), least(60, sum(minutes)), bool_or(modelled), '
        'application, organisation from ledger.%I group by 1, application, organisation '
        'order by 1', usage_name);
    create table ledger.folded_energy (like ledger.host_energy including all);
    execute format(
        'insert into ledger.folded_energy select date_trunc(''hour'', minute, ''UTC''), '
        'sum(energy_mj), sum(low_mj), sum(high_mj), sum(idle_mj), sum(marginal_mj), '
        'sum(unreserved_mj), sum(platform_mj), bool_or(modelled), host '
        'from ledger.%I group by 1, host', energy_name);
    execute format('drop table ledger.%I', usage_name);
    execute format('drop table ledger.%I', energy_name);
    execute format('alter table ledger.folded_usage rename to %I', usage_name);
    execute format('alter table ledger.folded_energy rename to %I', energy_name);
    perform kernel.keep_apart('ledger', usage_name);
    perform kernel.keep_to_platform('ledger', energy_name);
    perform ledger.attach_month('usage', usage_name, of_month);
    perform ledger.attach_month('host_energy', energy_name, of_month);
    update ledger.usage_month set folded_at = now() where month = of_month;
end $$;
