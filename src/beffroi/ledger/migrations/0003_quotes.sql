-- Quotes as they were priced: what was asked for, what it costs, what is offered. They belong to the
-- platform: a quote tells what every body pays.
create table ledger.quote (
    id text primary key,
    title text not null,
    buyer text not null,
    actor text not null,
    made_at timestamptz not null,
    yearly_eur numeric(14, 2) not null,
    present_eur numeric(14, 2),
    document jsonb not null
);

select kernel.keep_to_platform('ledger', 'quote');
