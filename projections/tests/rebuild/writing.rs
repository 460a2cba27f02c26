//! Writers that append straight to the log while read models are made anew, and what must be seen of it in the end.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Executor, PgConnection};
use traveladvisor_domain::id::{BookingId, StreamId, StreamKind};
use traveladvisor_infra::event_log::{Append, Appended, EventLog, Metadata, NewEvent, Position};
use uuid::Uuid;

use crate::support::{House, LIMIT, PLENTY, card, instant};

/// Where the events are taken from that writers write again on streams of their own.
const PATTERN: u128 = u128::MAX;

/// What a new hotel and a new trip look like in the log.
#[derive(Clone)]
pub(crate) struct Writing {
    hotel: String,
    trip: String,
}

impl Writing {
    pub(crate) async fn like(house: &mut House) -> Self {
        let plan = house.offer(PLENTY, card()).await;
        let hotel = plan.hotel.as_ref().expect("a hotel").hotel.stream();
        let trip = house.request(PATTERN, "ada", "ada@example.org", plan).await;
        Self { hotel: first_of(house, hotel).await, trip: first_of(house, trip.stream()).await }
    }

    /// Appends one more hotel and one more trip, together; the position of the trip.
    pub(crate) async fn write(&self, log: &EventLog, number: u128) -> Position {
        match log.append(&self.append(number)).await {
            Ok(Appended::Committed { first: Some(first) }) => Position(first.0 + 1),
            other => panic!("not appended: {other:?}"),
        }
    }

    /// The same in an open transaction of somebody else, who takes the order lock as every writer does.
    pub(crate) async fn write_in(&self, open: &mut PgConnection, number: u128) {
        open.execute("SELECT take_order_lock()").await.expect("its turn");
        for event in self.append(number).events {
            sqlx::query(
                "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
                 VALUES ($1, $2, 1, $3, '1', $4::json, $5::json, now())",
            )
            .bind(event.stream.kind.as_str())
            .bind(event.stream.to_string())
            .bind(event.event_type.to_string())
            .bind(event.payload.to_string())
            .bind(event.metadata.to_string())
            .execute(&mut *open)
            .await
            .expect("written");
        }
    }

    fn append(&self, number: u128) -> Append {
        let now = instant("2024-12-01T12:00:00Z") + TimeDelta::milliseconds((number % 1_000_000) as i64);
        let batch = Uuid::from_u128(PATTERN - number);
        let metadata = Metadata {
            batch: batch.to_string(),
            occurred_at: now.to_rfc3339(),
            actor: "test".into(),
            ..Metadata::default()
        };
        let metadata = serde_json::to_string(&metadata).expect("JSON");
        let hotel = StreamId::new(StreamKind::Hotel, Uuid::from_u128(number));
        let event = |stream: StreamId, event_type: &'static str, payload: &str| NewEvent {
            stream,
            sequence: 1,
            event_type: event_type.into(),
            event_version: "1".into(),
            payload: payload.to_owned().into(),
            metadata: metadata.clone().into(),
            told: None,
        };
        let trip = trip(number).stream();
        let events = vec![event(hotel, "HotelListed", &self.hotel), event(trip, "BookingRequested", &self.trip)];
        Append { batch, reads: vec![(hotel, 0), (trip, 0)], events, now, ..Append::default() }
    }
}

/// The trip that a writer has written under a number.
pub(crate) fn trip(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(number))
}

async fn first_of(house: &House, stream: StreamId) -> String {
    let events = house.log.read_stream(stream, 0).await.expect("readable");
    events.first().expect("an event").payload.to_string()
}

/// Every hotel and every trip of the log is in the live rows, and none twice.
pub(crate) async fn assert_all_in_the_rows(house: &House) {
    let told = "SELECT (SELECT count(*) FROM events WHERE event_type = 'HotelListed'), (SELECT count(*) FROM hotels), \
                       (SELECT count(*) FROM events WHERE event_type = 'BookingRequested'), (SELECT count(*) FROM bookings), \
                       (SELECT count(*) FROM traveller_bookings), \
                       (SELECT count(DISTINCT t.position) FROM booking_timeline t JOIN events e USING (position) \
                         WHERE e.event_type = 'BookingRequested'), \
                       (SELECT count(*) FROM booking_timeline WHERE event_type = 'BookingRequested')";
    let [hotels, hotel_rows, trips, trip_rows, listed, lines, all_lines]: [i64; 7] = {
        let row: (i64, i64, i64, i64, i64, i64, i64) =
            sqlx::query_as(told).fetch_one(&house.database.pool).await.expect("the database answers");
        row.into()
    };
    assert_eq!(hotel_rows, hotels, "hotels");
    assert_eq!([trip_rows, listed, lines, all_lines], [trips; 4], "trips, in the rows of each read model");
}

/// Waits until a question to the database is answered so.
pub(crate) async fn until(house: &House, question: &str, answer: bool) {
    let waiting = async {
        let pool = &house.database.pool;
        while sqlx::query_scalar::<_, bool>(question).fetch_one(pool).await.expect("the database answers") != answer {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("it never became {answer}: {question}"));
}

/// Waits until a switch stood before a table that somebody reads, and gave way.
pub(crate) async fn a_switch_gives_way(house: &House) {
    let stands = "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    until(house, stands, true).await;
    until(house, stands, false).await;
}
