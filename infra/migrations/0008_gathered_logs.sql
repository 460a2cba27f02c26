-- Logs of contexts are gathered into one read log; lines of a timeline that others tell bear no state.
CREATE TABLE gathered_logs (
    log        text   PRIMARY KEY,
    position   bigint NOT NULL CHECK (position >= 0),
    reached    bigint NOT NULL CHECK (reached >= 0),
    head       bigint NOT NULL DEFAULT 0,
    lag_events bigint NOT NULL DEFAULT 0,
    state      text   NOT NULL DEFAULT 'starting',
    reason     text,
    told_at    timestamptz
);
CREATE FUNCTION gather_events(
    owner_name text, owner_epoch bigint,
    logs text[], expected bigint[], positions bigint[],
    event_aggregate_types text[], event_aggregate_ids text[], event_sequences bigint[],
    event_types text[], event_versions text[], event_payloads text[], event_metadata text[], event_recorded timestamptz[],
    OUT first_position bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last_position bigint;
BEGIN
    PERFORM take_order_lock();
    PERFORM FROM owners o WHERE o.name = owner_name AND o.epoch = owner_epoch;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM unnest(logs, expected) AS m(log, place) LEFT JOIN gathered_logs g ON g.log = m.log
      WHERE coalesce(g.position, 0) <> m.place;
    IF FOUND THEN
        RETURN;
    END IF;
    WITH written AS (
        INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
        SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, e.payload::json, e.metadata::json,
               e.recorded_at
          FROM unnest(event_aggregate_types, event_aggregate_ids, event_sequences, event_types, event_versions, event_payloads,
                      event_metadata, event_recorded)
               AS e(aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at)
        RETURNING position)
    SELECT min(w.position), max(w.position) INTO first_position, last_position FROM written w;
    IF last_position - first_position + 1 <> cardinality(event_sequences) THEN
        RAISE EXCEPTION 'positions of one append are not contiguous: something else drew from the sequence';
    END IF;
    INSERT INTO gathered_logs AS known (log, position, reached)
    SELECT m.log, m.place, last_position FROM unnest(logs, positions) AS m(log, place)
    ON CONFLICT (log) DO UPDATE SET position = excluded.position, reached = excluded.reached;
    PERFORM pg_notify('traveladvisor_' || current_schema(), last_position::text);
END $$;

ALTER TABLE booking_timeline ALTER COLUMN status DROP NOT NULL, ALTER COLUMN saga_status DROP NOT NULL,
    ADD CONSTRAINT booking_timeline_check CHECK ((status IS NULL) = (saga_status IS NULL));
