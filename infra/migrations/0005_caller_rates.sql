-- What callers spend, where several processes count together.
CREATE UNLOGGED TABLE caller_rates (
    caller  bytea       PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE FUNCTION spend_rate(the_caller bytea, cost_us bigint, most_us bigint, OUT is_spent boolean, OUT full_in_us bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    at_now constant timestamptz := clock_timestamp();
    now_full timestamptz;
BEGIN
    INSERT INTO caller_rates AS account (caller, full_at)
    VALUES (the_caller, at_now + cost_us * interval '1 microsecond')
    ON CONFLICT (caller) DO UPDATE
        SET full_at = greatest(account.full_at, at_now) + cost_us * interval '1 microsecond'
        WHERE greatest(account.full_at, at_now) + cost_us * interval '1 microsecond' <= at_now + most_us * interval '1 microsecond'
    RETURNING full_at INTO now_full;
    is_spent := FOUND;
    IF NOT is_spent THEN
        SELECT full_at INTO now_full FROM caller_rates WHERE caller = the_caller;
    END IF;
    full_in_us := greatest(0, round(extract(epoch FROM coalesce(now_full, at_now) - at_now) * 1000000));
END
$$;
