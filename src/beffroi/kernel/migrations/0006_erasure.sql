-- The log is appended to. One change is let through: what an erased person was called is taken out
-- of entries that keep their place, kind and organisation (beffroi/kernel/log/erasing.py).
create or replace function kernel.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and current_setting('beffroi.erasing', true) = 'on' then
        return null;
    end if;
    raise exception 'kernel.log is append-only';
end $$;
