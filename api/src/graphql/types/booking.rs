//! Trips.

use std::sync::Arc;

use async_graphql::{ID, Object, Result, SimpleObject};
use traveladvisor_domain::discount::Discount;
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart};
use traveladvisor_projections::views::{self, BookingView, PartView};

use super::{BookingStatus, ErrorCode, Money, PartStatus, PaymentMethod, PaymentStatus, SagaStatus, TimelineEntry};
use crate::graphql::fault::internal;
use crate::graphql::scalars::{Date, DateTime};

/// A trip. It is read before it is made, so that it fails as a whole; where nothing but its id is asked for it can stand alone.
#[derive(Debug, Clone)]
pub(crate) struct Booking {
    id: BookingId,
    view: Option<Arc<BookingView>>,
}

impl Booking {
    /// A trip of which only the id is asked for.
    pub(crate) fn unread(id: BookingId) -> Self {
        Self { id, view: None }
    }

    fn view(&self) -> Result<&BookingView> {
        self.view.as_deref().ok_or_else(|| internal(&"a field of a trip that was not read"))
    }
}

impl From<Arc<BookingView>> for Booking {
    fn from(view: Arc<BookingView>) -> Self {
        Self { id: view.id, view: Some(view) }
    }
}

impl From<BookingView> for Booking {
    fn from(view: BookingView) -> Self {
        Arc::new(view).into()
    }
}

/// A trip: a hotel, a flight and a car, or any of them, booked as a whole.
#[expect(clippy::unused_async, reason = "the library's fields are asynchronous")]
#[Object]
impl Booking {
    /// Stays the same for ever.
    pub(crate) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// Where it stands.
    async fn status(&self) -> Result<BookingStatus> {
        Ok(self.view()?.status.into())
    }

    /// Where its process manager stands.
    async fn saga_status(&self) -> Result<SagaStatus> {
        Ok(self.view()?.saga_status.into())
    }

    /// Sequence of the booking's stream; for `expectedVersion`.
    async fn version(&self) -> Result<u64> {
        Ok(self.view()?.version)
    }

    /// Who travels.
    async fn traveller(&self) -> Result<Traveller> {
        Ok(self.view()?.traveller.clone().into())
    }

    /// The hotel; null when the trip has none.
    async fn hotel(&self) -> Result<Option<BookedHotel>> {
        let view = self.view()?;
        let discount = view.discount.and_then(|discount| discount.hotel);
        Ok(view.hotel.as_ref().map(|part| BookedHotel { discount: discount.map(Money::from), ..part.into() }))
    }

    /// The flight; null when the trip has none.
    async fn flight(&self) -> Result<Option<BookedFlight>> {
        let view = self.view()?;
        let discount = view.discount.and_then(|discount| discount.flight);
        Ok(view.flight.as_ref().map(|part| BookedFlight { discount: discount.map(Money::from), ..part.into() }))
    }

    /// The car; null when the trip has none.
    async fn car(&self) -> Result<Option<BookedCar>> {
        let view = self.view()?;
        let discount = view.discount.and_then(|discount| discount.car);
        Ok(view.car.as_ref().map(|part| BookedCar { discount: discount.map(Money::from), ..part.into() }))
    }

    /// How it is paid, and where that stands.
    async fn payment(&self) -> Result<Payment> {
        Ok(self.view()?.payment.clone().into())
    }

    /// What is quoted, paid and refunded: the sum of the parts, taxes included, without what a voucher takes off.
    async fn total(&self) -> Result<Money> {
        Ok(self.view()?.total.into())
    }

    /// What a voucher takes off the sum of the parts; null without one.
    async fn discount(&self) -> Result<Option<BookingDiscount>> {
        Ok(self.view()?.discount.map(BookingDiscount::from))
    }

    /// What made it fail; null when nothing did, also when the traveller cancelled.
    async fn failure(&self) -> Result<Option<BookingFailure>> {
        Ok(self.view()?.failure.clone().map(BookingFailure::from))
    }

    /// What happened to it, oldest first. Of more than 100 entries the first 20 and the newest 80.
    async fn timeline(&self) -> Result<Vec<TimelineEntry>> {
        Ok(self.view()?.timeline.iter().cloned().map(TimelineEntry::from).collect())
    }

    /// When it was asked for.
    async fn created_at(&self) -> Result<DateTime> {
        Ok(DateTime(self.view()?.created_at))
    }

    /// When something last happened to it.
    async fn updated_at(&self) -> Result<DateTime> {
        Ok(DateTime(self.view()?.updated_at))
    }
}

/// The person who travels. A value that was erased is null.
#[derive(SimpleObject)]
pub(crate) struct Traveller {
    /// E-mail address, as given.
    pub(crate) email: Option<String>,
    /// Full name, as given.
    pub(crate) name: Option<String>,
    /// Telephone number, as given.
    pub(crate) phone: Option<String>,
}

/// Rooms of one type for one stay.
#[derive(Debug, SimpleObject)]
pub(crate) struct BookedHotel {
    /// The property.
    pub(crate) hotel_id: ID,
    /// The property's code of the room type.
    pub(crate) room_type: String,
    /// First night, a date of the property.
    pub(crate) check_in: Date,
    /// The morning of departure, no longer a night of the stay.
    pub(crate) check_out: Date,
    /// How many rooms.
    pub(crate) rooms: u32,
    /// Nightly price × nights × rooms.
    pub(crate) price: Money,
    /// What the trip's voucher takes off it; null without one.
    pub(crate) discount: Option<Money>,
    /// Where this part stands.
    pub(crate) status: PartStatus,
}

/// Seats of one cabin on one departure.
#[derive(Debug, SimpleObject)]
pub(crate) struct BookedFlight {
    /// The departure.
    pub(crate) flight_id: ID,
    /// The cabin.
    pub(crate) cabin: String,
    /// How many seats.
    pub(crate) seats: u32,
    /// Seat price × seats.
    pub(crate) price: Money,
    /// What the trip's voucher takes off it; null without one.
    pub(crate) discount: Option<Money>,
    /// Where this part stands.
    pub(crate) status: PartStatus,
}

/// One vehicle for one rental.
#[derive(Debug, SimpleObject)]
pub(crate) struct BookedCar {
    /// The fleet.
    pub(crate) car_id: ID,
    /// When the vehicle is taken.
    pub(crate) pick_up_at: DateTime,
    /// When it is brought back.
    pub(crate) drop_off_at: DateTime,
    /// Daily price × started days.
    pub(crate) price: Money,
    /// What the trip's voucher takes off it; null without one.
    pub(crate) discount: Option<Money>,
    /// Where this part stands.
    pub(crate) status: PartStatus,
}

/// The payment of a trip.
#[derive(Debug, SimpleObject)]
pub(crate) struct Payment {
    /// How it is paid.
    pub(crate) method: PaymentMethod,
    /// Where it stands.
    pub(crate) status: PaymentStatus,
    /// The card's brand, for example `visa`; null without a card.
    pub(crate) brand: Option<String>,
    /// The card's last four digits; null without a card.
    pub(crate) last_four: Option<String>,
    /// The points with which it is paid, as an integer in decimal text; null without points.
    pub(crate) points: Option<String>,
    /// Why it was refused, or the last fault.
    pub(crate) failure_code: Option<String>,
    /// What was given back; zero when nothing was.
    pub(crate) refunded: Money,
}

/// What a voucher takes off a trip.
#[derive(Debug, SimpleObject)]
pub(crate) struct BookingDiscount {
    /// The voucher.
    pub(crate) voucher: ID,
    /// What it takes off the sum of the parts; each part tells its share.
    pub(crate) amount: Money,
}

/// What made a trip fail.
#[derive(Debug, SimpleObject)]
pub(crate) struct BookingFailure {
    /// Which step, for example `car`.
    pub(crate) step: String,
    /// Stable code.
    pub(crate) code: ErrorCode,
    /// One sentence that says what to do.
    pub(crate) message: String,
}

impl From<views::TravellerView> for Traveller {
    fn from(view: views::TravellerView) -> Self {
        Self { email: Some(view.email), name: Some(view.name), phone: view.phone }
    }
}

impl From<&PartView<HotelPart>> for BookedHotel {
    fn from(view: &PartView<HotelPart>) -> Self {
        Self {
            hotel_id: ID(view.part.hotel.to_string()),
            room_type: view.part.room_type.clone(),
            check_in: Date(view.part.stay.check_in()),
            check_out: Date(view.part.stay.check_out()),
            rooms: view.part.rooms,
            price: view.part.price.into(),
            discount: None,
            status: view.status.into(),
        }
    }
}

impl From<&PartView<FlightPart>> for BookedFlight {
    fn from(view: &PartView<FlightPart>) -> Self {
        Self {
            flight_id: ID(view.part.flight.to_string()),
            cabin: view.part.cabin.clone(),
            seats: view.part.seats,
            price: view.part.price.into(),
            discount: None,
            status: view.status.into(),
        }
    }
}

impl From<&PartView<CarPart>> for BookedCar {
    fn from(view: &PartView<CarPart>) -> Self {
        Self {
            car_id: ID(view.part.car.to_string()),
            pick_up_at: DateTime(view.part.rental.pick_up()),
            drop_off_at: DateTime(view.part.rental.drop_off()),
            price: view.part.price.into(),
            discount: None,
            status: view.status.into(),
        }
    }
}

impl From<Discount> for BookingDiscount {
    fn from(discount: Discount) -> Self {
        Self { voucher: ID(discount.voucher.to_string()), amount: discount.amount.into() }
    }
}

impl From<views::PaymentView> for Payment {
    fn from(view: views::PaymentView) -> Self {
        Self {
            method: view.method.into(),
            status: view.status.into(),
            brand: view.brand,
            last_four: view.last_four,
            points: view.points.map(|points| points.to_string()),
            failure_code: view.failure_code.map(|code| code.to_string()),
            refunded: view.refunded.into(),
        }
    }
}

impl From<views::FailureView> for BookingFailure {
    fn from(view: views::FailureView) -> Self {
        Self { step: view.step.as_str().to_owned(), code: view.code.into(), message: view.message }
    }
}
