-- The whole database of traveladvisor, by hand. The program embeds this file; `traveladvisor migrate` creates or upgrades.
-- Names are unqualified: a log is one schema of one database, and the connection's search_path says which (L7).

-- ---- the event log -------------------------------------------------------------------------------------------------

-- Every fact. Appended by append_events() only; the columns up to metadata are those of postgres-es, which reads this table unchanged.
-- payload and metadata are json, not jsonb: the bytes stay as they were written.
CREATE TABLE events (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    -- Order is commit order (L2): drawn under the order lock, so whoever sees position N sees all below it. Gaps are final.
    position       bigint      GENERATED ALWAYS AS IDENTITY,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE UNIQUE INDEX events_position ON events (position);

-- Events are never updated, deleted or truncated (L6).
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Snapshots of hotel, flight and car, in the shape of cqrs-es: the state after the event at last_sequence. Written by append_events()
-- with the events of their stream, so a snapshot never stands without the event that it ends with. All of it may be deleted at any time.
CREATE TABLE snapshots (
    aggregate_type   text   NOT NULL,
    aggregate_id     text   NOT NULL,
    last_sequence    bigint NOT NULL CHECK (last_sequence >= 0),
    current_snapshot bigint NOT NULL CHECK (current_snapshot >= 0),
    payload          json   NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- What an idempotency key stood for (L13). Written by the append of the command that it named.
CREATE TABLE idempotency_keys (
    caller     text        NOT NULL,
    operation  text        NOT NULL,
    key        text        NOT NULL,
    input_hash bytea       NOT NULL,
    -- The stream that the command created or changed.
    subject    text        NOT NULL,
    position   bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (caller, operation, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- When a stream must be woken. due_at is the program's time and compared with the program's clock only (L12).
CREATE TABLE wakeups (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    kind           text        NOT NULL,
    due_at         timestamptz NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, kind)
);
-- In the order in which they are read, so that a reader goes on where it was, however many are due at the same moment.
CREATE INDEX wakeups_due ON wakeups (due_at, aggregate_id);

-- Who owns what of this log, in which turn, and until when (L12). An append that holds an owner's jobs carries its epoch and has it
-- checked. `relay` delivers messages and timers; `projections` folds the read models.
CREATE TABLE owners (
    name       text        PRIMARY KEY,
    -- Which turn: raised by every take-over, under the order lock.
    epoch      bigint      NOT NULL,
    -- Which process, for people; absent when nobody holds it.
    holder     text,
    -- Unless it is renewed. By the clock of this server, which is the same for all.
    held_until timestamptz,
    -- The program's time when it was last renewed: a sandbox's clock that starts beside, or afterwards, goes on from there.
    program_at timestamptz
);
INSERT INTO owners (name, epoch) VALUES ('relay', 0), ('projections', 0);

-- Takes the order lock (L2) until the transaction ends, which is at once: each caller is one autocommit statement (L3). Should the
-- client's very last bytes never arrive, the statement has been executed but nobody says that it is over; then the server ends it, if it
-- knows how to (Postgres 17), so that a client that froze or vanished cannot hold the lock.
CREATE FUNCTION take_order_lock() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('traveladvisor.log.' || current_schema(), 0));
    IF current_setting('transaction_timeout', true) = '0' THEN
        PERFORM set_config('transaction_timeout', '10s', true);
    END IF;
END $$;

-- Begins a turn, if what it asks for is free, has run out, or was last held in the turn `mine`. Returns the turn's epoch, or null.
-- The epoch is raised under the order lock: every append before it has committed, and every later one sees it (L12).
CREATE FUNCTION claim_ownership(what text, mine bigint, who text, lease interval) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    raised bigint;
BEGIN
    -- Looked at without the lock first: whoever waits for its turn holds nobody up. A lease that runs for longer than any does stems from
    -- a clock that was set back.
    PERFORM FROM owners o
      WHERE o.name = what AND o.epoch <> mine AND o.held_until BETWEEN clock_timestamp() AND clock_timestamp() + 2 * lease;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM take_order_lock();
    -- A row that somebody has deleted would leave the log without an owner for ever. Epochs only grow: no turn was ever counted so far.
    INSERT INTO owners (name, epoch) VALUES (what, extract(epoch FROM clock_timestamp())::bigint) ON CONFLICT (name) DO NOTHING;
    UPDATE owners o SET epoch = o.epoch + 1, holder = who, held_until = clock_timestamp() + lease
     WHERE o.name = what
       AND (o.held_until BETWEEN clock_timestamp() AND clock_timestamp() + 2 * lease AND o.epoch <> mine) IS NOT TRUE
    RETURNING o.epoch INTO raised;
    RETURN raised;
END $$;

-- How far a source of messages has been consumed. The source `relay` is this log itself. `outbox` stands here while a connector carries what
-- is for other logs, with the place of the last rows for it in the write-ahead log.
CREATE TABLE consumed_offsets (
    source     text   PRIMARY KEY,
    "offset"   bigint NOT NULL
);
INSERT INTO consumed_offsets (source, "offset") VALUES ('relay', 0);

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

-- Two arrays of conflicts as one; NULL where there are none.
CREATE FUNCTION concat_json_arrays(a json, b json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE (a::jsonb || b::jsonb)::json END
$$;

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
                -- How far the write-ahead log had come: whoever reads it and has come further has these rows.
                INSERT INTO consumed_offsets (source, "offset")
                VALUES ('outbox', pg_current_wal_insert_lsn() - '0/0'::pg_lsn)
                ON CONFLICT (source) DO UPDATE SET "offset" = excluded."offset";
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

-- ---- the read log of several logs ---------------------------------------------------------------------------------

-- What a read log has gathered of other logs. Where a context has a log of its own, read models are made from a log into which the events
-- of all logs are copied: one checkpoint for each of these, moved by the statement that writes the copies.
CREATE TABLE gathered_logs (
    -- The name of the log that is read.
    log        text   PRIMARY KEY,
    -- Its last event that is copied.
    position   bigint NOT NULL CHECK (position >= 0),
    -- Where this log ended when that was: all copies up to it stand at or before this place.
    reached    bigint NOT NULL CHECK (reached >= 0),
    -- What its owner last told, for people: where that log ended, how many of its events were not copied, and why it did not go on.
    head       bigint NOT NULL DEFAULT 0,
    lag_events bigint NOT NULL DEFAULT 0,
    state      text   NOT NULL DEFAULT 'starting',
    reason     text,
    told_at    timestamptz
);

-- Copies events of other logs into this one, byte for byte and in the order given, and moves the checkpoints behind them: all of it or
-- nothing. It does nothing where the turn is over or where a checkpoint stands elsewhere; then nothing is returned.
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

-- ---- the sandbox gateway -------------------------------------------------------------------------------------------

-- What the built-in sandbox gateway has done, by idempotency key: the same call again gets the same answer, also after a restart.
CREATE TABLE sandbox_gateway_calls (
    key       text        PRIMARY KEY,
    kind      text        NOT NULL CHECK (kind IN ('charge', 'refund')),
    token     text        NOT NULL,
    minor     bigint      NOT NULL CHECK (minor >= 0),
    currency  text        NOT NULL,
    -- The charge that a refund gives back.
    charge    text,
    outcome   text        NOT NULL CHECK (outcome IN ('done', 'refused', 'faulted')),
    -- The gateway's reference when done, else the code of the refusal or fault.
    reference text        NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A charge is given back in parts, which never come to more than it.
CREATE INDEX sandbox_gateway_charges ON sandbox_gateway_calls (reference) WHERE kind = 'charge' AND outcome = 'done';
CREATE INDEX sandbox_gateway_refunds ON sandbox_gateway_calls (charge) WHERE kind = 'refund' AND outcome = 'done';

-- ---- what callers spend ----------------------------------------------------------------------------------------------

-- Where several processes count together (`limits.shared`), a row for each caller who has spent something of late. Nothing waits for the
-- disk: after a crash every account is full, and after a failover as well.
CREATE UNLOGGED TABLE caller_rates (
    -- SHA-256 of the caller's name.
    caller  bytea       PRIMARY KEY,
    -- When the account will be full again.
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Takes a cost from a caller's account unless it holds less, in microseconds that the cost takes to come back: GCRA, by the clock of this
-- server, which is the same for all. `most_us` is what a full account holds.
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

-- ---- read models ---------------------------------------------------------------------------------------------------
-- Written by the projectors only, each in one transaction with its checkpoint (L19). All of it can be made again from the log.

-- How far each projection has read the log. Whoever raises the epoch owns it; a deposed owner's write finds no row.
CREATE TABLE projection_checkpoints (
    name           text    PRIMARY KEY,
    -- Of the fold that made the rows.
    version        integer NOT NULL,
    position       bigint  NOT NULL CHECK (position >= 0),
    epoch          bigint  NOT NULL CHECK (epoch > 0),
    -- Why it stays before the next event; absent while it goes on.
    stopped_reason text,
    -- Which making of the rows this is: every rebuild makes another.
    generation     bigint  NOT NULL DEFAULT 1 CHECK (generation > 0),
    -- Since when an operator has it paused.
    paused_since   timestamptz,
    -- The rows that these replaced: they stand in the schema of former rows, for a rollback.
    former_version    integer,
    former_generation bigint,
    former_position   bigint,
    CHECK ((former_version IS NULL) = (former_generation IS NULL) AND (former_version IS NULL) = (former_position IS NULL))
);

-- Events that a projection could not take in, and those of the same key that wait behind them, in order.
CREATE TABLE projection_dead_letters (
    name       text        NOT NULL,
    generation bigint      NOT NULL,
    position   bigint      NOT NULL,
    -- The row family that waits, for example the booking's stream.
    key        text        NOT NULL,
    -- Why it could not be taken in; absent of those that only wait.
    reason     text,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, generation, position)
);

-- What its owner last told of each projection. Only for people: nothing depends on it.
CREATE TABLE projection_status (
    name          text             PRIMARY KEY,
    state         text             NOT NULL,
    events_per_s  double precision NOT NULL,
    last_error    text,
    last_error_at timestamptz,
    told_at       timestamptz      NOT NULL
);

-- Rebuilds under way, or cut off: whoever makes one holds a lock of its session, so that both can be told apart.
CREATE TABLE projection_rebuilds (
    name         text             PRIMARY KEY,
    phase        text             NOT NULL,
    -- From the beginning of the log up to here.
    position     bigint           NOT NULL,
    -- Where the log ended when it began.
    until        bigint           NOT NULL,
    events_per_s double precision NOT NULL,
    started_at   timestamptz      NOT NULL DEFAULT clock_timestamp(),
    told_at      timestamptz      NOT NULL DEFAULT clock_timestamp()
);

-- Trips with their sagas. A traveller's personal values stand in this table, and in no other of the read side but for one: the e-mail
-- address by which traveller_bookings is looked up (L8).
CREATE TABLE bookings (
    id          uuid        PRIMARY KEY,
    owner       text        NOT NULL,
    -- The traveller's e-mail address in lower case.
    email_key   text        NOT NULL,
    status      text        NOT NULL,
    saga_status text        NOT NULL,
    created_at  timestamptz NOT NULL,
    -- created_at of those whose saga has not ended well: it is under way, or has failed. Few at any time, so their index is small, and it
    -- changes once in a trip's life, so that the row's other changes stay on its page.
    open_since      timestamptz,
    -- When its saga is woken next, by the program's time.
    next_wake_up    timestamptz,
    -- Since when an operator is needed, and the fingerprint of the reason.
    attention_since timestamptz,
    fingerprint     text        COLLATE "C",
    -- What the fold knows of the trip.
    state       json        NOT NULL,
    CHECK ((attention_since IS NULL) = (fingerprint IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX bookings_newest ON bookings (created_at DESC, id DESC);
CREATE INDEX bookings_of_owner ON bookings (owner, created_at DESC, id DESC);
CREATE INDEX bookings_of_traveller ON bookings (email_key, created_at DESC, id DESC);
-- Sagas: the unfinished, the newest first; those that wait for an operator, the longest first, all of them or for one reason.
CREATE INDEX bookings_open ON bookings (open_since DESC, id DESC) WHERE open_since IS NOT NULL;
CREATE INDEX bookings_waiting ON bookings (attention_since, id) WHERE attention_since IS NOT NULL;
CREATE INDEX bookings_by_fingerprint ON bookings (fingerprint, attention_since, id) WHERE fingerprint IS NOT NULL;

-- What happened to each trip, in all streams.
CREATE TABLE booking_timeline (
    booking_id  uuid        NOT NULL,
    position    bigint      NOT NULL,
    at          timestamptz NOT NULL,
    stream_kind text        NOT NULL,
    event_type  text        NOT NULL,
    summary     text        NOT NULL,
    -- Where booking and saga stood after it, as these two tell. Absent of what others tell: where the trip stood then follows from the line
    -- before, so that a line is the same in whichever order the logs of several contexts were gathered.
    status      text,
    saga_status text,
    -- What only operators read beside the summary: what they can do; who decided, and why, in their own words.
    signed      text,
    PRIMARY KEY (booking_id, position),
    CHECK ((status IS NULL) = (saga_status IS NULL))
);

-- Columns that end in _key are in lower case, made by the program, so that comparing does not depend on the server's locale.
CREATE TABLE hotels (
    id          uuid   PRIMARY KEY,
    supplier    text   NOT NULL,
    code        text   NOT NULL,
    name        text   NOT NULL,
    name_key    text   COLLATE "C" NOT NULL,
    city        text   NOT NULL,
    city_key    text   COLLATE "C" NOT NULL,
    country     text   NOT NULL,
    country_key text   COLLATE "C" NOT NULL,
    time_zone   text   NOT NULL,
    latitude    double precision,
    longitude   double precision
);
CREATE INDEX hotels_by_name ON hotels (name_key, id);
CREATE INDEX hotels_by_city ON hotels (city_key, name_key, id);

-- What is on sale. What is withdrawn has no row here; its nights stay.
CREATE TABLE hotel_room_types (
    hotel_id      uuid   NOT NULL,
    code          text   COLLATE "C" NOT NULL,
    -- Its place in the supplier's list.
    place         bigint NOT NULL,
    name          text   NOT NULL,
    rooms         bigint NOT NULL,
    nightly_minor bigint NOT NULL,
    currency      text   NOT NULL,
    PRIMARY KEY (hotel_id, code)
);

-- Nights that differ from the default: nothing sold, on sale, as many rooms as the room type says.
CREATE TABLE hotel_nights (
    hotel_id  uuid    NOT NULL,
    room_type text    COLLATE "C" NOT NULL,
    night     date    NOT NULL,
    sold      bigint  NOT NULL,
    -- Rooms on sale where a change has said so.
    rooms     bigint,
    -- Closed; absent: open.
    stop_sell boolean,
    PRIMARY KEY (hotel_id, room_type, night)
) WITH (fillfactor = 80);

CREATE TABLE flights (
    id               uuid        PRIMARY KEY,
    supplier         text        NOT NULL,
    code             text        NOT NULL,
    carrier          text        NOT NULL,
    origin           text        COLLATE "C" NOT NULL,
    origin_zone      text        NOT NULL,
    destination      text        COLLATE "C" NOT NULL,
    destination_zone text        NOT NULL,
    departure_at     timestamptz NOT NULL,
    arrival_at       timestamptz NOT NULL,
    -- The calendar day of departure, at the origin.
    departure_date   date        NOT NULL
);
CREATE INDEX flights_by_departure ON flights (departure_at, id);
CREATE INDEX flights_by_route ON flights (origin, destination, departure_date, departure_at, id);

CREATE TABLE flight_cabins (
    flight_id uuid   NOT NULL,
    cabin     text   COLLATE "C" NOT NULL,
    cabin_key text   COLLATE "C" NOT NULL,
    place     bigint NOT NULL,
    seats     bigint NOT NULL,
    minor     bigint NOT NULL,
    currency  text   NOT NULL,
    PRIMARY KEY (flight_id, cabin)
);

-- Seats sold, also of cabins that are withdrawn.
CREATE TABLE flight_sales (
    flight_id uuid   NOT NULL,
    cabin     text   COLLATE "C" NOT NULL,
    sold      bigint NOT NULL,
    PRIMARY KEY (flight_id, cabin)
) WITH (fillfactor = 80);

CREATE TABLE cars (
    id            uuid   PRIMARY KEY,
    supplier      text   NOT NULL,
    code          text   NOT NULL,
    name          text   NOT NULL,
    car_class     text   NOT NULL,
    car_class_key text   COLLATE "C" NOT NULL,
    location      text   NOT NULL,
    location_key  text   COLLATE "C" NOT NULL,
    time_zone     text   NOT NULL,
    vehicles      bigint NOT NULL,
    daily_minor   bigint NOT NULL,
    currency      text   COLLATE "C" NOT NULL
);
CREATE INDEX cars_by_price ON cars (currency, daily_minor, id);

-- Rentals that stand. The interval is half open.
CREATE TABLE car_rentals (
    car_id      uuid        NOT NULL,
    booking_id  uuid        NOT NULL,
    pick_up_at  timestamptz NOT NULL,
    drop_off_at timestamptz NOT NULL,
    PRIMARY KEY (car_id, booking_id)
);
CREATE INDEX car_rentals_by_end ON car_rentals (car_id, drop_off_at, pick_up_at);

-- The trips of each traveller, the newest first: what a list of them shows, and no more. The address in lower case stands here because it
-- is what the list is asked for by; a digest of it would be no less personal, as whoever has the address can make it. No other personal
-- value does (L8).
CREATE TABLE traveller_bookings (
    booking_id uuid        PRIMARY KEY,
    email_key  text        COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    -- What the fold knows of the trip.
    state      json        NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX traveller_bookings_newest ON traveller_bookings (email_key, created_at DESC, booking_id DESC);

-- What was taken for each trip and given back. What is paid at the counter is not taken by us and has no row.
-- What is paid with points moves no money: what it is worth stands apart.
-- A payment with points that is cancelled says what it gives back as one by card does: refunded_minor counts where money was taken.
CREATE TABLE payment_ledger (
    booking_id     uuid   NOT NULL,
    currency       text   COLLATE "C" NOT NULL,
    charged_minor  bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    -- What points were worth that paid the trip, and that came back.
    redeemed_minor bigint NOT NULL DEFAULT 0,
    restored_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (booking_id, currency)
);

-- What hotels, flights and fleets have on sale: room types, cabins, and of a fleet its vehicles, under an empty name. What is withdrawn
-- has no row; what was sold of it stays.
CREATE TABLE occupancy_units (
    supply_id uuid   NOT NULL,
    unit      text   COLLATE "C" NOT NULL,
    -- Its place in the supplier's list.
    place     bigint NOT NULL,
    on_sale   bigint NOT NULL,
    -- In which the days of a fleet are counted, and that of a departure. They may change, so they are no part of what is sold.
    time_zone text   NOT NULL,
    departure timestamptz,
    PRIMARY KEY (supply_id, unit)
);

-- Nights of which a change has said how many rooms are on sale, or that they are closed. Absent: as before it.
CREATE TABLE occupancy_allotments (
    hotel_id  uuid    NOT NULL,
    room_type text    COLLATE "C" NOT NULL,
    night     date    NOT NULL,
    rooms     bigint,
    stop_sell boolean,
    PRIMARY KEY (hotel_id, room_type, night)
);

-- Rooms sold for each night and their price, in the currency in which they were sold. A stay's price is spread over its nights; what does
-- not divide counts for the first.
CREATE TABLE occupancy_nights (
    hotel_id      uuid   NOT NULL,
    night         date   NOT NULL,
    room_type     text   COLLATE "C" NOT NULL,
    currency      text   COLLATE "C" NOT NULL,
    sold          bigint NOT NULL,
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (hotel_id, night, room_type, currency)
) WITH (fillfactor = 80);

-- Seats sold and their price.
CREATE TABLE occupancy_seats (
    flight_id     uuid   NOT NULL,
    cabin         text   COLLATE "C" NOT NULL,
    currency      text   COLLATE "C" NOT NULL,
    sold          bigint NOT NULL,
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (flight_id, cabin, currency)
) WITH (fillfactor = 80);

-- Rentals sold and their price, added up over those that begin at the same moment and take as many days. Which days these are is told
-- when they are asked for: the fleet's zone may change, and what is given back must be what was taken.
CREATE TABLE occupancy_rentals (
    car_id        uuid        NOT NULL,
    pick_up_at    timestamptz NOT NULL,
    days          bigint      NOT NULL CHECK (days > 0),
    currency      text        COLLATE "C" NOT NULL,
    sold          bigint      NOT NULL,
    revenue_minor bigint      NOT NULL,
    PRIMARY KEY (car_id, pick_up_at, days, currency)
) WITH (fillfactor = 80);

-- Members, one for an identity. Whoever has left keeps a row without personal values: address, names, contact number and gender stand in
-- profile and email_key alone, and in no other table of the read side (L8) but the former rows of this one: after a rebuild they stand in
-- the schema of former rows as they stood here, until the next rebuild of members drops them.
CREATE TABLE members (
    id          uuid        PRIMARY KEY,
    -- The opaque name of who it is: the owner of the member's trips.
    identity    text        NOT NULL,
    -- The e-mail address as addresses are compared; that of one member at most.
    email_key   text        COLLATE "C",
    status      text        NOT NULL,
    referrer_id uuid,
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    profile     json,
    CHECK ((profile IS NULL) = (email_key IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX members_by_email ON members (email_key) WHERE email_key IS NOT NULL;

-- The points of each member, and their history: the balance is the sum of the points, and each line says what the account held after it.
CREATE TABLE points_accounts (
    member_id  uuid        PRIMARY KEY,
    balance    bigint      NOT NULL CHECK (balance >= 0),
    is_closed  boolean     NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE TABLE points_entries (
    member_id uuid        NOT NULL,
    position  bigint      NOT NULL,
    at        timestamptz NOT NULL,
    type      text        NOT NULL,
    -- What came, or below zero what went.
    points    bigint      NOT NULL CHECK (points <> 0),
    balance   bigint      NOT NULL CHECK (balance >= 0),
    cause     json        NOT NULL,
    -- What points were worth that paid a trip, or came back from it.
    minor     bigint,
    currency  text        COLLATE "C",
    PRIMARY KEY (member_id, position),
    CHECK ((minor IS NULL) = (currency IS NULL))
);

-- Campaigns as they are last said. Where one stands depends on the clock of who asks.
CREATE TABLE campaigns (
    id             uuid        PRIMARY KEY,
    action         text        NOT NULL,
    opens_at       timestamptz NOT NULL,
    ends_at        timestamptz,
    opened_by_hand boolean     NOT NULL,
    -- Why it was closed before its end, if it was.
    closed_because text,
    -- Rewards that it has granted.
    granted        bigint      NOT NULL,
    version        bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    details        json        NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX campaigns_latest ON campaigns (opens_at DESC, id DESC);

-- What members were granted, of all kinds, and which trip uses what.
CREATE TABLE vouchers (
    id             uuid        PRIMARY KEY,
    member_id      uuid        NOT NULL,
    campaign_id    uuid        NOT NULL,
    cause          text        NOT NULL,
    type           text        NOT NULL,
    terms          json        NOT NULL,
    expires_at     timestamptz,
    -- The trip that is cheaper by it, and by how much; absent while it is free.
    used_by        uuid,
    discount_minor bigint,
    currency       text        COLLATE "C",
    granted_at     timestamptz NOT NULL,
    version        bigint      NOT NULL,
    CHECK ((used_by IS NULL) = (discount_minor IS NULL) AND (used_by IS NULL) = (currency IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX vouchers_of_member ON vouchers (member_id, granted_at DESC, id DESC);
