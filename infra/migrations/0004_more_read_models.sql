-- Read models by traveller, by payment, and by what is sold of each hotel, flight and fleet. They are filled from the log's beginning.
CREATE TABLE traveller_bookings (
    booking_id uuid        PRIMARY KEY,
    email_key  text        COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    state      json        NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX traveller_bookings_newest ON traveller_bookings (email_key, created_at DESC, booking_id DESC);
CREATE TABLE payment_ledger (
    booking_id     uuid   NOT NULL,
    currency       text   COLLATE "C" NOT NULL,
    charged_minor  bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    PRIMARY KEY (booking_id, currency)
);
CREATE TABLE occupancy_units (
    supply_id uuid   NOT NULL,
    unit      text   COLLATE "C" NOT NULL,
    place     bigint NOT NULL,
    on_sale   bigint NOT NULL,
    time_zone text   NOT NULL,
    departure timestamptz,
    PRIMARY KEY (supply_id, unit)
);
CREATE TABLE occupancy_allotments (
    hotel_id  uuid    NOT NULL,
    room_type text    COLLATE "C" NOT NULL,
    night     date    NOT NULL,
    rooms     bigint,
    stop_sell boolean,
    PRIMARY KEY (hotel_id, room_type, night)
);
CREATE TABLE occupancy_nights (
    hotel_id      uuid   NOT NULL,
    night         date   NOT NULL,
    room_type     text   COLLATE "C" NOT NULL,
    currency      text   COLLATE "C" NOT NULL,
    sold          bigint NOT NULL,
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (hotel_id, night, room_type, currency)
) WITH (fillfactor = 80);
CREATE TABLE occupancy_seats (
    flight_id     uuid   NOT NULL,
    cabin         text   COLLATE "C" NOT NULL,
    currency      text   COLLATE "C" NOT NULL,
    sold          bigint NOT NULL,
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (flight_id, cabin, currency)
) WITH (fillfactor = 80);
CREATE TABLE occupancy_rentals (
    car_id        uuid        NOT NULL,
    pick_up_at    timestamptz NOT NULL,
    days          bigint      NOT NULL CHECK (days > 0),
    currency      text        COLLATE "C" NOT NULL,
    sold          bigint      NOT NULL,
    revenue_minor bigint      NOT NULL,
    PRIMARY KEY (car_id, pick_up_at, days, currency)
) WITH (fillfactor = 80);
