-- An outbox that Debezium reads, and the append that writes it.

-- What an append has for other logs, where a connector carries it to the broker instead of the relay: the columns that Debezium's EventRouter
-- reads. append_events() inserts the rows and deletes them at once: the connector reads them from the write-ahead log, in commit order, and
-- the table stays empty. It is vacuumed often, so that it stays small as well.
CREATE TABLE outbox (
    id            uuid PRIMARY KEY,
    -- The kind of the stream whose event caused it.
    aggregatetype text NOT NULL,
    -- The record's key.
    aggregateid   text NOT NULL,
    type          text NOT NULL,
    -- text, not json: the bytes stay as they were written.
    payload       text NOT NULL,
    topic         text NOT NULL,
    -- W3C trace context.
    tracing       text NOT NULL,
    -- Of CloudEvents, for every row: written out in the connector's settings it would be read as a number.
    specversion   text NOT NULL DEFAULT '1.0'
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

DROP FUNCTION append_events(
    text, text[], text[], bigint[], bigint, text[], text[], bigint[], text[], text[], text[], text[], text[], text[], text[],
    bytea[], text[], bigint[], bigint[], timestamptz, text[], text[], text[], timestamptz[], text[], bigint[], text[], bigint[],
    bigint[], text[], text[], bigint[], text[]);

-- One append: any number of streams, one statement, one commit (L3). Its first statement takes the order lock, so each later one
-- sees all that committed before. On any conflict it writes nothing and returns every conflict; it raises nothing by itself.
--
--   batch          the append's id, kept in its events' metadata: the very same append sent again returns its first positions (L5)
--   read_*         every stream that the decisions read, with its expected sequence (0: empty)
--   read_new       so many of these, the last ones, are expected to be empty and written here
--   event_*        the events, in order; a stream that is written is also read
--   key_*          idempotency keys, which must be absent; a row is written with the position of the event at key_places (from 1),
--                  or with key_positions if it was so already; with neither no row is written (a refusal is checked, L4)
--   wakeup_*       due times to set; NULL clears
--   owner_*        epochs that must still stand
--   offset_*       consumed offsets to move, compare and set
--   snapshot_*     states after the last event of their stream in this append; kept only if newer than what is there
--   outbox_*       rows for the table outbox, where a connector reads it
CREATE FUNCTION append_events(
    batch text,
    read_types text[], read_ids text[], read_sequences bigint[], read_new bigint,
    event_aggregate_types text[], event_aggregate_ids text[], event_sequences bigint[],
    event_types text[], event_versions text[], event_payloads text[], event_metadata text[],
    key_callers text[], key_operations text[], key_keys text[], key_hashes bytea[], key_subjects text[], key_places bigint[],
    key_positions bigint[], key_now timestamptz,
    wakeup_types text[], wakeup_ids text[], wakeup_kinds text[], wakeup_dues timestamptz[],
    owner_names text[], owner_epochs bigint[],
    offset_sources text[], offset_expected bigint[], offset_new bigint[],
    snapshot_types text[], snapshot_ids text[], snapshot_sequences bigint[], snapshot_payloads text[],
    outbox_ids uuid[], outbox_aggregate_types text[], outbox_aggregate_ids text[], outbox_types text[], outbox_payloads text[],
    outbox_topics text[], outbox_tracings text[],
    OUT first_position bigint, OUT last_position bigint, OUT appended_at timestamptz, OUT conflicts json
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    event_count bigint := cardinality(event_sequences);
    writes boolean := event_count + cardinality(wakeup_types) + cardinality(offset_sources) > 0
                      OR array_remove(key_positions, NULL) <> '{}';
    -- What must not be there yet and is written here is not looked for: writing it finds it out, and then all is looked at.
    looks_at_all boolean := NOT writes;
BEGIN
    -- A call that only checks needs no lock (L4).
    IF writes THEN
        PERFORM take_order_lock();
    END IF;

    -- The same append, sent again: answered with what it did the first time, whatever has moved since (L5).
    IF event_count > 0 THEN
        SELECT e.position, e.position + event_count - 1, e.recorded_at INTO first_position, last_position, appended_at
          FROM events e
         WHERE e.aggregate_type = event_aggregate_types[1] AND e.aggregate_id = event_aggregate_ids[1]
           AND e.sequence = event_sequences[1] AND e.metadata ->> 'batch' = batch;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    LOOP
        -- Each kind of check is skipped where there is nothing to check: most appends carry streams only.
        IF looks_at_all OR cardinality(read_ids) > read_new THEN
            SELECT json_agg(json_build_object('kind', 'stream', 'name', r.type || ' ' || r.id, 'expected', r.expected,
                       'actual', r.actual))
              INTO conflicts
              FROM (SELECT r.type, r.id, r.expected,
                           coalesce((SELECT e.sequence FROM events e
                                      WHERE e.aggregate_type = r.type AND e.aggregate_id = r.id
                                      ORDER BY e.sequence DESC LIMIT 1), 0) AS actual
                      FROM unnest(read_types, read_ids, read_sequences) WITH ORDINALITY AS r(type, id, expected, place)
                     WHERE looks_at_all OR r.place <= cardinality(read_ids) - read_new) r
             WHERE r.actual <> r.expected;
        END IF;
        IF cardinality(key_keys) > 0 THEN
            SELECT concat_json_arrays(conflicts, json_agg(json_build_object('kind', 'key',
                       'name', k.caller || chr(31) || k.operation || chr(31) || k.key, 'subject', i.subject,
                       'input_hash', encode(i.input_hash, 'hex'), 'position', i.position)))
              INTO conflicts
              FROM unnest(key_callers, key_operations, key_keys, key_places, key_positions)
                   AS k(caller, operation, key, place, position)
              CROSS JOIN LATERAL (SELECT i.* FROM idempotency_keys i
                                   WHERE i.caller = k.caller AND i.operation = k.operation AND i.key = k.key LIMIT 1) i
             WHERE looks_at_all OR (k.place > 0 OR k.position IS NOT NULL) IS NOT TRUE;
        END IF;
        IF cardinality(owner_names) > 0 THEN
            SELECT concat_json_arrays(conflicts, json_agg(json_build_object('kind', 'owner', 'name', o.name,
                       'expected', o.epoch)))
              INTO conflicts
              FROM unnest(owner_names, owner_epochs) AS o(name, epoch)
              LEFT JOIN owners w ON w.name = o.name
             WHERE w.epoch IS DISTINCT FROM o.epoch;
        END IF;
        IF cardinality(offset_sources) > 0 THEN
            SELECT concat_json_arrays(conflicts, json_agg(json_build_object('kind', 'offset', 'name', o.source,
                       'actual', coalesce(c."offset", 0))))
              INTO conflicts
              FROM unnest(offset_sources, offset_expected) AS o(source, expected)
              LEFT JOIN consumed_offsets c ON c.source = o.source
             WHERE coalesce(c."offset", 0) <> o.expected;
        END IF;
        IF NOT writes OR looks_at_all AND conflicts IS NOT NULL THEN
            RETURN;
        END IF;
        IF looks_at_all THEN
            RAISE EXCEPTION 'something stands already that no check knows of';
        END IF;
        IF conflicts IS NOT NULL THEN
            -- Every conflict is to be told.
            conflicts := NULL;
            looks_at_all := true;
            CONTINUE;
        END IF;

        BEGIN
            IF event_count > 0 THEN
                appended_at := clock_timestamp();
                -- unnest hands its rows out in the order of the arrays, and nothing between here and there could change it.
                WITH written AS (
                    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                                        recorded_at)
                    SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, e.payload::json,
                           e.metadata::json, appended_at
                      FROM unnest(event_aggregate_types, event_aggregate_ids, event_sequences, event_types, event_versions,
                                  event_payloads, event_metadata)
                           AS e(aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
                    RETURNING position)
                SELECT min(w.position), max(w.position) INTO first_position, last_position FROM written w;
                -- Only appends draw from the sequence, one at a time, so the positions of one append are contiguous.
                IF last_position - first_position + 1 <> event_count THEN
                    RAISE EXCEPTION 'positions of one append are not contiguous: something else drew from the sequence';
                END IF;
                PERFORM pg_notify('traveladvisor_' || current_schema(), last_position::text);
            END IF;

            IF cardinality(key_keys) > 0 THEN
                INSERT INTO idempotency_keys (caller, operation, key, input_hash, subject, position, created_at)
                SELECT k.caller, k.operation, k.key, k.hash, k.subject, coalesce(k.position, first_position + k.place - 1), key_now
                  FROM unnest(key_callers, key_operations, key_keys, key_hashes, key_subjects, key_places, key_positions)
                       AS k(caller, operation, key, hash, subject, place, position)
                 WHERE k.place > 0 OR k.position IS NOT NULL;
            END IF;
            IF cardinality(wakeup_types) > 0 THEN
                DELETE FROM wakeups w USING unnest(wakeup_types, wakeup_ids, wakeup_kinds, wakeup_dues) AS n(type, id, kind, due)
                 WHERE n.due IS NULL AND w.aggregate_type = n.type AND w.aggregate_id = n.id AND w.kind = n.kind;
                INSERT INTO wakeups (aggregate_type, aggregate_id, kind, due_at)
                SELECT n.type, n.id, n.kind, n.due
                  FROM unnest(wakeup_types, wakeup_ids, wakeup_kinds, wakeup_dues) AS n(type, id, kind, due)
                 WHERE n.due IS NOT NULL
                ON CONFLICT (aggregate_type, aggregate_id, kind) DO UPDATE SET due_at = excluded.due_at;
            END IF;
            IF cardinality(offset_sources) > 0 THEN
                INSERT INTO consumed_offsets (source, "offset")
                SELECT o.source, o.new FROM unnest(offset_sources, offset_new) AS o(source, new)
                ON CONFLICT (source) DO UPDATE SET "offset" = excluded."offset";
            END IF;
            IF cardinality(snapshot_types) > 0 THEN
                INSERT INTO snapshots AS known (aggregate_type, aggregate_id, last_sequence, current_snapshot, payload)
                SELECT s.type, s.id, s.sequence, 1, s.payload::json
                  FROM unnest(snapshot_types, snapshot_ids, snapshot_sequences, snapshot_payloads) AS s(type, id, sequence, payload)
                ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
                   SET last_sequence = excluded.last_sequence, current_snapshot = known.current_snapshot + 1, payload = excluded.payload
                 WHERE known.last_sequence < excluded.last_sequence;
            END IF;
            IF cardinality(outbox_ids) > 0 THEN
                INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, topic, tracing)
                SELECT o.id, o.aggregate_type, o.aggregate_id, o.type, o.payload, o.topic, o.tracing
                  FROM unnest(outbox_ids, outbox_aggregate_types, outbox_aggregate_ids, outbox_types, outbox_payloads, outbox_topics,
                              outbox_tracings) AS o(id, aggregate_type, aggregate_id, type, payload, topic, tracing);
                DELETE FROM outbox o WHERE o.id = ANY (outbox_ids);
            END IF;
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            looks_at_all := true;
            first_position := NULL;
            last_position := NULL;
            appended_at := NULL;
        END;
    END LOOP;
END $$;
