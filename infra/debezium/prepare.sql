-- What one log's connector needs, with no more rights than that: run once by whoever owns the database, before any process of the log has
-- outbox = "debezium". Replace {schema} by the log's schema, {slot} by the connector's slot, {user} and {password} by its account.
-- The server needs wal_level = logical, and a free replication slot and WAL sender for each log.

-- It may read the write-ahead log, and connect; no table but the outbox is open to it.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user}') THEN
        CREATE ROLE {user} LOGIN REPLICATION PASSWORD '{password}';
    END IF;
END $$;
GRANT USAGE ON SCHEMA {schema} TO {user};
GRANT SELECT ON {schema}.outbox TO {user};

-- Rows are deleted in the transaction that inserts them: the connector is only told of what comes.
CREATE PUBLICATION {slot} FOR TABLE {schema}.outbox WITH (publish = 'insert');

-- From here on nothing is missed. The server keeps its write-ahead log until the connector has read it: a slot that nobody reads any more
-- fills the disk, so drop it with pg_drop_replication_slot('{slot}').
SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput');
