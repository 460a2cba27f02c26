//! Where scenes are played: one engine with one log, or a cluster over a broker. Scenes do not know which.

use std::time::Duration;

use traveladvisor_commands::{CallerCommand, Engine, Receipt, Rejection, Request};
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, TripRequest, VehicleWanted};
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::failure::Code;
use traveladvisor_domain::flight::FlightDetails;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{BookingId, CarId, FlightId, HotelId};
use traveladvisor_domain::trip::PaymentPlan;
use traveladvisor_infra::event_log::StoredEvent;

use super::operators::Quiet;
use crate::bus::Cluster;
use crate::support::{World, book, car, flight, hotel, metadata, request, trip};

/// Pause between two looks or tries.
const AGAIN: Duration = Duration::from_millis(20);

/// A generous limit for anything that must happen at last, over a broker on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A transport.
pub(super) enum Stage {
    OneProcess(Box<World>),
    Cluster(Box<Cluster>),
}

impl Stage {
    fn engine(&self, context: Context) -> &Engine {
        match self {
            Self::OneProcess(world) => &world.engine,
            Self::Cluster(cluster) => cluster.engine(context),
        }
    }

    /// The events of a context, in the order of its log.
    pub(super) async fn events(&self, context: Context) -> Vec<StoredEvent> {
        match self {
            Self::OneProcess(world) => {
                let all = world.events().await.into_iter();
                all.filter(|event| event.stream.kind.context() == Some(context)).collect()
            }
            Self::Cluster(cluster) => cluster.events(context).await,
        }
    }
}

/// One scene with supply of its own.
#[derive(Clone, Copy)]
pub(super) struct Scene<'s> {
    pub(super) stage: &'s Stage,
    pub(super) name: &'static str,
    pub(super) gateway: &'s Quiet,
}

impl Scene<'_> {
    /// Lists a hotel, a flight and a fleet of its own.
    pub(super) async fn supply(&self, rooms: u32, seats: u32, vehicles: u32) {
        let (code, supplier) = (self.name.to_owned(), "own".to_owned());
        let details = HotelDetails { code: code.clone(), supplier: supplier.clone(), ..hotel(rooms) };
        self.ask(Context::Hotel, request(CallerCommand::UpsertHotel(details), None)).await.expect("listed");
        let details = FlightDetails { code: code.clone(), supplier: supplier.clone(), ..flight(seats) };
        self.ask(Context::Flight, request(CallerCommand::UpsertFlight(details), None)).await.expect("listed");
        let details = CarDetails { code, supplier, ..car(vehicles) };
        self.ask(Context::Car, request(CallerCommand::UpsertCar(details), None)).await.expect("listed");
    }

    /// A trip with a room, a seat and a car of this scene.
    pub(super) fn trip(&self, payment: PaymentPlan) -> TripRequest {
        let whole = trip(payment);
        TripRequest {
            hotel: whole.hotel.map(|hotel| RoomsWanted { hotel: HotelId::of("own", self.name), ..hotel }),
            flight: whole.flight.map(|flight| SeatsWanted { flight: FlightId::of("own", self.name), ..flight }),
            car: whole.car.map(|car| VehicleWanted { car: CarId::of("own", self.name), ..car }),
            ..whole
        }
    }

    /// As [`Self::book_as`], once the member or voucher that it names is known where trips are priced.
    pub(super) async fn book_known(&self, caller: &str, wanted: TripRequest, key: &str) -> BookingId {
        let key = format!("{} {key}", self.name);
        let asked = Request { caller: caller.to_owned(), ..request(book(wanted), Some(&key)) };
        let asking = async {
            loop {
                match self.ask(Context::Booking, asked.clone()).await {
                    Ok(receipt) => return BookingId(receipt.subject.uuid),
                    Err(refused) if is_of_members(refused.code) => tokio::time::sleep(AGAIN).await,
                    Err(refused) => panic!("{refused:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it becomes known")
    }

    /// Asks until the answer is none that passes: others were faster, or what was listed just now is not known yet.
    pub(super) async fn ask(&self, context: Context, asked: Request) -> Result<Receipt, Rejection> {
        let asking = async {
            loop {
                match self.stage.engine(context).submit(asked.clone()).await {
                    Err(refused) if passes(refused.code) => tokio::time::sleep(AGAIN).await,
                    answer => return answer,
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it is answered")
    }

    pub(super) async fn book_as(&self, caller: &str, wanted: TripRequest, key: &str) -> BookingId {
        let key = format!("{} {key}", self.name);
        let asked = Request { caller: caller.to_owned(), ..request(book(wanted), Some(&key)) };
        BookingId(self.ask(Context::Booking, asked).await.expect("accepted").subject.uuid)
    }

    pub(super) async fn book(&self, payment: PaymentPlan, key: &str) -> BookingId {
        self.book_as("tests", self.trip(payment), key).await
    }

    pub(super) async fn cancel(&self, booking: BookingId) -> Receipt {
        let command = CallerCommand::CancelBooking { booking, reason: None };
        self.ask(Context::Booking, request(command, None)).await.expect("it can be cancelled")
    }

    /// Names of a trip's events in one context.
    pub(super) async fn story(&self, context: Context, booking: BookingId) -> Vec<String> {
        let events = self.stage.events(context).await;
        let is_of = |event: &&StoredEvent| {
            event.stream.kind.context().is_some() && metadata(event).correlation == booking.to_string()
        };
        events.iter().filter(is_of).map(|event| event.event_type.to_string()).collect()
    }

    /// Waits until a trip has so many events of this name.
    pub(super) async fn until_times(&self, booking: BookingId, name: &str, times: usize) {
        let arrived = async {
            while self.story(Context::Booking, booking).await.iter().filter(|event| *event == name).count() < times {
                tokio::time::sleep(AGAIN).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, arrived).await.is_ok();
        assert!(in_time, "no {name}: {:?}", self.story(Context::Booking, booking).await);
    }

    /// Waits until something of this name has happened to a member for a trip.
    pub(super) async fn until_member(&self, booking: BookingId, name: &str) {
        let arrived = async {
            while !self.story(Context::Member, booking).await.iter().any(|event| event == name) {
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.expect("it happens");
    }

    pub(super) async fn until(&self, booking: BookingId, name: &str) {
        self.until_times(booking, name, 1).await;
    }
}

fn passes(code: Code) -> bool {
    matches!(code, Code::Conflict | Code::Overloaded | Code::NotFound | Code::Unavailable)
}

/// What is refused of somebody who is no member, or of a voucher that is not there.
fn is_of_members(code: Code) -> bool {
    matches!(code, Code::PaymentMethodUnavailable | Code::VoucherNotApplicable)
}
