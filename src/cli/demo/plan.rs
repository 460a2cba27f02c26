//! Which trips the demo books: chosen by what is left, so that it can be run again and again.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use super::client::Client;
use crate::cli::failure::Failure;

/// Where the demo's travellers go: New York departures land here, hotels and two fleets are here.
const AIRPORT: &str = "DCA";
/// The city of its hotels.
const CITY: &str = "Washington";
/// First day of the week of departures that the program carries.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 12, 31).expect("a date of the calendar");
/// Days of that week.
const DAYS: u64 = 7;
/// Weeks after the flight in which a stay may begin, when all before are taken.
const WEEKS_MAX: u64 = 45;
/// Nights of a stay.
const NIGHTS: u64 = 2;
/// From landing to the car.
const TO_THE_CAR: TimeDelta = TimeDelta::hours(1);
/// How long the car is kept.
const RENTAL: TimeDelta = TimeDelta::hours(24);
/// Vehicles that must be left: one stays with the approved trip, the trips after it take one and give it back. So it is with rooms and
/// seats, which the searches ask for in pairs.
const VEHICLES_MIN: u64 = 2;
/// Trips that want a place each.
const CHOICES: usize = 5;

const FLIGHTS: &str = "query($to: String!, $day: Date!) { flights(filter: {destination: $to, departureDate: $day, cabin: \"ECONOMY\", \
     seats: 2}, first: 4) { nodes { id code origin destination departureAt arrivalAt } } }";
const HOTELS: &str = "query($city: String!, $in: Date!, $out: Date!) { hotels(filter: {city: $city, checkIn: $in, checkOut: $out, \
     rooms: 2}, first: 4) { nodes { id name roomTypes { code roomsLeft } } } }";
const FLEETS: &str = "query($at: String!) { cars(filter: {location: $at}) { nodes { id code name vehicles } } }";
const CARS: &str = "query($at: String!, $from: DateTime!, $to: DateTime!) { cars(filter: {location: $at, pickUpAt: $from, \
     dropOffAt: $to}) { nodes { id vehiclesLeft } } }";

/// A hotel, a flight and the fleets for one set of trips.
pub(super) struct Plan {
    hotels: Vec<Value>,
    flights: Vec<Value>,
    check_in: NaiveDate,
    pick_up: DateTime<Utc>,
    large_fleet: String,
    small_fleet: String,
    /// Vehicles of the small fleet that are free for the rental.
    pub(super) small_fleet_left: u64,
}

impl Plan {
    /// The first days on which everything is to be had, counted from a day that moves on with the log.
    pub(super) async fn find(client: &mut Client, turn: u64) -> Result<Self, Failure> {
        let (small_fleet, large_fleet) = fleets(client).await?;
        for week in 0..WEEKS_MAX {
            for day in 0..DAYS {
                let departure = FIRST_DAY + Days::new((turn + day) % DAYS);
                let plan = Self::on(client, departure, week, (&small_fleet, &large_fleet)).await?;
                if let Some(plan) = plan {
                    return Ok(plan);
                }
            }
        }
        Err(Failure::failed("everything is booked out: use another --data-dir"))
    }

    async fn on(
        client: &mut Client,
        departure: NaiveDate,
        week: u64,
        (small, large): (&str, &str),
    ) -> Result<Option<Self>, Failure> {
        let check_in = departure + Days::new(week * DAYS);
        let flights = nodes(client, FLIGHTS, "flights", json!({ "to": AIRPORT, "day": departure })).await?;
        let stay = json!({ "city": CITY, "in": check_in, "out": check_in + Days::new(NIGHTS) });
        let hotels = nodes(client, HOTELS, "hotels", stay).await?;
        let Some(landing) = flights.iter().filter_map(|flight| instant(&flight["arrivalAt"])).max() else {
            return Ok(None);
        };
        let pick_up = landing + TO_THE_CAR + TimeDelta::weeks(week.cast_signed());
        let rental = json!({ "at": AIRPORT, "from": pick_up, "to": pick_up + RENTAL });
        let free = nodes(client, CARS, "cars", rental).await?;
        let left = |fleet: &str| {
            let found = free.iter().find(|car| car["id"] == fleet);
            found.and_then(|car| car["vehiclesLeft"].as_u64()).unwrap_or(0)
        };
        if hotels.is_empty() || left(large) < VEHICLES_MIN {
            return Ok(None);
        }
        Ok(Some(Self {
            small_fleet_left: left(small),
            hotels,
            flights,
            check_in,
            pick_up,
            large_fleet: large.to_owned(),
            small_fleet: small.to_owned(),
        }))
    }

    /// The input's parts of the `place`th trip, with a car of the large fleet.
    pub(super) fn trip(&self, place: usize) -> Value {
        let hotel = &self.hotels[place % CHOICES % self.hotels.len()];
        let flight = &self.flights[place % CHOICES % self.flights.len()];
        let free = |kind: &&Value| kind["roomsLeft"].as_u64().is_some_and(|left| left > 0);
        let room_type = hotel["roomTypes"].as_array().and_then(|kinds| kinds.iter().find(free));
        json!({
            "hotel": {
                "hotelId": hotel["id"],
                "roomType": room_type.map_or(&Value::Null, |kind| &kind["code"]),
                "checkIn": self.check_in,
                "checkOut": self.check_in + Days::new(NIGHTS),
                "rooms": 1,
            },
            "flight": { "flightId": flight["id"], "cabin": "ECONOMY", "seats": 1 },
            "car": self.car(&self.large_fleet),
        })
    }

    /// A rental of the small fleet.
    pub(super) fn small_car(&self) -> Value {
        self.car(&self.small_fleet)
    }

    fn car(&self, fleet: &str) -> Value {
        json!({ "carId": fleet, "pickUpAt": self.pick_up, "dropOffAt": self.pick_up + RENTAL })
    }

    /// The first night, for whoever wants to search as the demo did.
    pub(super) const fn check_in(&self) -> NaiveDate {
        self.check_in
    }
}

/// The smallest and the largest fleet of the place.
async fn fleets(client: &mut Client) -> Result<(String, String), Failure> {
    let mut fleets = nodes(client, FLEETS, "cars", json!({ "at": AIRPORT })).await?;
    fleets.sort_by_key(|fleet| fleet["vehicles"].as_u64());
    match (fleets.first(), fleets.last()) {
        (Some(small), Some(large)) if small["id"] != large["id"] => Ok((text(&small["id"]), text(&large["id"]))),
        _ => Err(Failure::failed("the catalogue has no two fleets at the demo's airport: use another --data-dir")),
    }
}

async fn nodes(client: &mut Client, query: &str, field: &str, variables: Value) -> Result<Vec<Value>, Failure> {
    let mut data = client.ask(query, variables).await?;
    match data[field]["nodes"].take() {
        Value::Array(nodes) => Ok(nodes),
        _ => Err(Failure::failed(format!("the answer holds no {field}"))),
    }
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
