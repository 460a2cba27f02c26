//! Counts from the events alone what was sold, given back and allowed: a second opinion that shares no code with the decisions.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{BookingId, StreamId};
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart};

/// The books of every hotel, flight and fleet whose events were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    hotels: BTreeMap<StreamId, Hotel>,
    flights: BTreeMap<StreamId, Flight>,
    fleets: BTreeMap<StreamId, Fleet>,
    /// Sentences about what must never happen.
    pub(crate) faults: Vec<String>,
}

#[derive(Debug, Default)]
struct Hotel {
    rooms: BTreeMap<String, u32>,
    changed: BTreeMap<(String, NaiveDate), u32>,
    held: BTreeMap<BookingId, HotelPart>,
}

#[derive(Debug, Default)]
struct Flight {
    seats: BTreeMap<String, u32>,
    held: BTreeMap<BookingId, FlightPart>,
}

#[derive(Debug, Default)]
struct Fleet {
    vehicles: usize,
    held: BTreeMap<BookingId, CarPart>,
}

impl Ledger {
    /// Takes in the next event of the log.
    pub(crate) fn tell(&mut self, stream: StreamId, event: &Event) {
        let fault = match event {
            Event::Hotel(event) => self.hotels.entry(stream).or_default().tell(event),
            Event::Flight(event) => self.flights.entry(stream).or_default().tell(event),
            Event::Car(event) => self.fleets.entry(stream).or_default().tell(event),
            _ => None,
        };
        self.faults.extend(fault.map(|fault| format!("{stream}: {fault}")));
    }

    /// What is held for a booking now: `hotel`, `flight`, `car`.
    pub(crate) fn held(&self, booking: BookingId) -> Vec<&'static str> {
        let hotel = self.hotels.values().any(|hotel| hotel.held.contains_key(&booking));
        let flight = self.flights.values().any(|flight| flight.held.contains_key(&booking));
        let car = self.fleets.values().any(|fleet| fleet.held.contains_key(&booking));
        [(hotel, "hotel"), (flight, "flight"), (car, "car")]
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| name)
            .collect()
    }
}

impl Hotel {
    fn tell(&mut self, event: &HotelEvent) -> Option<String> {
        match event {
            HotelEvent::HotelListed { details, .. } | HotelEvent::HotelChanged { details, .. } => {
                self.rooms = details.room_types.iter().map(|kind| (kind.code.clone(), kind.rooms)).collect();
                None
            }
            HotelEvent::AllotmentChanged { room_type, from, to, rooms: Some(rooms), .. } => {
                let nights = from.iter_days().take_while(|night| night < to);
                self.changed.extend(nights.map(|night| ((room_type.clone(), night), *rooms)));
                None
            }
            HotelEvent::RoomsReserved { booking, part, .. } => {
                let twice = hold(&mut self.held, *booking, part);
                twice.or_else(|| part.stay.nights().find_map(|night| self.oversold(&part.room_type, night)))
            }
            HotelEvent::RoomsReleased { booking, part, .. } => release(&mut self.held, *booking, part),
            _ => None,
        }
    }

    fn oversold(&self, room_type: &str, night: NaiveDate) -> Option<String> {
        let allowed = self.changed.get(&(room_type.to_owned(), night)).or_else(|| self.rooms.get(room_type));
        let allowed = allowed.copied().unwrap_or(0);
        let sold: u32 = self
            .held
            .values()
            .filter(|part| part.room_type == room_type && part.stay.nights().any(|taken| taken == night))
            .map(|part| part.rooms)
            .sum();
        (sold > allowed).then(|| format!("{sold} rooms {room_type} sold for {night}, {allowed} are there"))
    }
}

impl Flight {
    fn tell(&mut self, event: &FlightEvent) -> Option<String> {
        match event {
            FlightEvent::FlightListed { details, .. } | FlightEvent::FlightChanged { details, .. } => {
                self.seats = details.cabins.iter().map(|cabin| (cabin.cabin.clone(), cabin.seats)).collect();
                None
            }
            FlightEvent::SeatsReserved { booking, part, .. } => {
                let twice = hold(&mut self.held, *booking, part);
                let allowed = self.seats.get(&part.cabin).copied().unwrap_or(0);
                let sold: u32 = self.held.values().filter(|held| held.cabin == part.cabin).map(|held| held.seats).sum();
                let oversold =
                    (sold > allowed).then(|| format!("{sold} seats {} sold, {allowed} are there", part.cabin));
                twice.or(oversold)
            }
            FlightEvent::SeatsReleased { booking, part, .. } => release(&mut self.held, *booking, part),
            _ => None,
        }
    }
}

impl Fleet {
    fn tell(&mut self, event: &CarEvent) -> Option<String> {
        match event {
            CarEvent::CarListed { details, .. } | CarEvent::CarChanged { details, .. } => {
                self.vehicles = details.vehicles as usize;
                None
            }
            CarEvent::VehicleReserved { booking, part, .. } => {
                let twice = hold(&mut self.held, *booking, part);
                twice.or_else(|| self.oversold(part))
            }
            CarEvent::VehicleReleased { booking, part, .. } => release(&mut self.held, *booking, part),
            _ => None,
        }
    }

    /// The most vehicles out at once during a rental: that is at the pick-up of one of them.
    fn oversold(&self, part: &CarPart) -> Option<String> {
        let out = |at: DateTime<Utc>| {
            self.held.values().filter(|held| held.rental.pick_up() <= at && at < held.rental.drop_off()).count()
        };
        let begun = self.held.values().map(|held| held.rental.pick_up());
        let during = begun.filter(|at| part.rental.pick_up() <= *at && *at < part.rental.drop_off());
        let most = during.map(out).max().unwrap_or(0);
        (most > self.vehicles).then(|| format!("{most} vehicles out at once, {} are there", self.vehicles))
    }
}

fn hold<T: Clone>(held: &mut BTreeMap<BookingId, T>, booking: BookingId, part: &T) -> Option<String> {
    held.insert(booking, part.clone()).map(|_| format!("{booking} was given the same thing twice"))
}

fn release<T: PartialEq>(held: &mut BTreeMap<BookingId, T>, booking: BookingId, part: &T) -> Option<String> {
    match held.remove(&booking) {
        Some(given) if given == *part => None,
        Some(_) => Some(format!("{booking} gave back something else than it was given")),
        None => Some(format!("{booking} gave back what it did not have")),
    }
}
