//! Who asks the program over HTTP while it rebuilds: those who book trips and those who look at one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{Days, SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId};

use crate::Outcome;
use crate::graphql::Connection;
use crate::open_loop::{Asked, Asker};
use crate::scenarios::fill::FLIGHTS;
use crate::sides::supply::{FLEETS, HOTELS, SEASON_DAYS, SUPPLIER, day};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } position errors { code message } } }";
const LOOK: &str = "query($id: ID!) { booking(id: $id) { id status } }";
const LOOK_AT_LEAST: &str =
    "query($id: ID!, $position: Position!) { booking(id: $id, atLeast: $position) { id status } }";

/// One trip in so many is looked at by whoever booked it.
const LOOKED_AT_ONE_IN: u32 = 10;

/// Books trips with payment NONE, each another.
pub(super) struct Booking {
    connection: Connection,
    /// From the answer until the booking, asked for at the answer's position, has been read.
    own_writes: Arc<Mutex<Vec<Asked>>>,
}

impl Booking {
    /// One at each connection.
    pub(super) fn at(connections: Vec<Connection>, own_writes: &Arc<Mutex<Vec<Asked>>>) -> Vec<Self> {
        let one = |connection| Self { connection, own_writes: own_writes.clone() };
        connections.into_iter().map(one).collect()
    }
}

impl Asker for Booking {
    async fn ask(&mut self, number: u32) -> Outcome<Instant> {
        let mut answer = self.connection.ask(BOOK, json!({ "input": trip(number)? })).await?;
        let answered = Instant::now();
        let accepted = answer["bookTrip"].take();
        if accepted["errors"].as_array().is_none_or(|errors| !errors.is_empty()) {
            return Err(format!("a trip was refused: {accepted}").into());
        }
        if number.is_multiple_of(LOOKED_AT_ONE_IN) {
            let variables = json!({ "id": accepted["booking"]["id"], "position": accepted["position"] });
            found(&self.connection.ask(LOOK_AT_LEAST, variables).await?)?;
            let own_write = Asked { due: answered, latency: answered.elapsed() };
            self.own_writes.lock().unwrap_or_else(PoisonError::into_inner).push(own_write);
        }
        Ok(answered)
    }
}

/// Looks at bookings of the log, one after the other.
pub(super) struct Looking {
    connection: Connection,
    bookings: Arc<Vec<BookingId>>,
}

impl Looking {
    /// One at each connection.
    pub(super) fn at(connections: Vec<Connection>, bookings: &Arc<Vec<BookingId>>) -> Vec<Self> {
        connections.into_iter().map(|connection| Self { connection, bookings: bookings.clone() }).collect()
    }
}

impl Asker for Looking {
    async fn ask(&mut self, number: u32) -> Outcome<Instant> {
        let booking = self.bookings[number as usize % self.bookings.len()];
        let answer = self.connection.ask(LOOK, json!({ "id": booking.to_string() })).await?;
        let answered = Instant::now();
        found(&answer).map(|()| answered)
    }
}

fn found(answer: &Value) -> Outcome<()> {
    if answer["booking"]["id"].is_string() { Ok(()) } else { Err("a booking that was accepted is not found".into()) }
}

/// A trip that is another for every number.
fn trip(number: u32) -> Outcome<Value> {
    let number = u64::from(number);
    let arrival = day((number * 7) % SEASON_DAYS);
    let nights = 1 + number % 3;
    let pick_up = arrival + TimeDelta::hours(10);
    let check_out = arrival.date_naive().checked_add_days(Days::new(nights)).ok_or("a day that no calendar has")?;
    let instant = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(json!({
        "idempotencyKey": format!("live-{number}"),
        "traveller": { "email": format!("live-{number}@example.com"), "name": "A. Traveller", "phone": "+44 20 7946 0000" },
        "hotel": {
            "hotelId": HotelId::of(SUPPLIER, &format!("H{}", number % HOTELS)).to_string(),
            "roomType": "DBL",
            "checkIn": arrival.date_naive().to_string(),
            "checkOut": check_out.to_string(),
        },
        // Those that were listed for later: the others have passengers of the trips that were told.
        "flight": { "flightId": FlightId::of(SUPPLIER, &format!("F{}", FLIGHTS + number % FLIGHTS)).to_string() },
        "car": {
            "carId": CarId::of(SUPPLIER, &format!("C{}", number % FLEETS)).to_string(),
            "pickUpAt": instant(pick_up),
            "dropOffAt": instant(pick_up + TimeDelta::days(nights.cast_signed())),
        },
        "payment": { "method": "NONE" },
    }))
}
