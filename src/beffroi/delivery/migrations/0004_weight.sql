-- What the pages of a site weigh on its readers' devices: one report a week, of its Monday.
create table delivery.weight_report (
    application text not null,
    organisation text not null,
    week date not null,
    encoded jsonb not null,
    primary key (application, week)
);
alter table delivery.weight_report enable row level security;
alter table delivery.weight_report force row level security;
create policy own_organisation on delivery.weight_report
    using (current_setting('beffroi.everything', true) = 'on'
        or organisation = current_setting('beffroi.organisation', true));
