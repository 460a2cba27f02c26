-- Ten thousand timers that are due at the same moment are read page by page.
DROP INDEX wakeups_due;
CREATE INDEX wakeups_due ON wakeups (due_at, aggregate_id);

-- A charge is given back in parts, which never come to more than it.
DROP INDEX sandbox_gateway_refund_once;
CREATE INDEX sandbox_gateway_charges ON sandbox_gateway_calls (reference) WHERE kind = 'charge' AND outcome = 'done';
CREATE INDEX sandbox_gateway_refunds ON sandbox_gateway_calls (charge) WHERE kind = 'refund' AND outcome = 'done';

-- Operators search for sagas. What is finished stays as it is; what is open is found at once, and the rest follows with its next event.
ALTER TABLE bookings
    ADD COLUMN open_since      timestamptz,
    ADD COLUMN next_wake_up    timestamptz,
    ADD COLUMN attention_since timestamptz,
    ADD COLUMN fingerprint     text COLLATE "C",
    ADD CHECK ((attention_since IS NULL) = (fingerprint IS NULL));
UPDATE bookings SET open_since = created_at WHERE saga_status NOT IN ('SUCCEEDED', 'COMPENSATED');
CREATE INDEX bookings_open ON bookings (open_since DESC, id DESC) WHERE open_since IS NOT NULL;
CREATE INDEX bookings_waiting ON bookings (attention_since, id) WHERE attention_since IS NOT NULL;
CREATE INDEX bookings_by_fingerprint ON bookings (fingerprint, attention_since, id) WHERE fingerprint IS NOT NULL;
ALTER TABLE booking_timeline ADD COLUMN signed text;
