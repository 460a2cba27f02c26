-- Read models that are rebuilt beside the live ones: their generations, what could not be taken in, and how they are doing.

ALTER TABLE projection_checkpoints
    ADD COLUMN generation        bigint NOT NULL DEFAULT 1 CHECK (generation > 0),
    ADD COLUMN paused_since      timestamptz,
    ADD COLUMN former_version    integer,
    ADD COLUMN former_generation bigint,
    ADD COLUMN former_position   bigint,
    ADD CHECK ((former_version IS NULL) = (former_generation IS NULL)
               AND (former_version IS NULL) = (former_position IS NULL));

CREATE TABLE projection_dead_letters (
    name       text        NOT NULL,
    generation bigint      NOT NULL,
    position   bigint      NOT NULL,
    key        text        NOT NULL,
    reason     text,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, generation, position)
);

CREATE TABLE projection_status (
    name          text             PRIMARY KEY,
    state         text             NOT NULL,
    events_per_s  double precision NOT NULL,
    last_error    text,
    last_error_at timestamptz,
    told_at       timestamptz      NOT NULL
);

CREATE TABLE projection_rebuilds (
    name         text             PRIMARY KEY,
    phase        text             NOT NULL,
    position     bigint           NOT NULL,
    until        bigint           NOT NULL,
    events_per_s double precision NOT NULL,
    started_at   timestamptz      NOT NULL DEFAULT clock_timestamp(),
    told_at      timestamptz      NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE hotel_nights ALTER COLUMN stop_sell DROP NOT NULL;
