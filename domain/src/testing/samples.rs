//! A hotel, a flight, a car and a trip for tests.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::car::CarDetails;
use crate::discount::{Discount, Off, Voucher};
use crate::flight::{CabinDetails, FlightDetails};
use crate::hotel::{HotelDetails, RoomTypeDetails};
use crate::id::{BookingId, CampaignId, CarId, FlightId, HotelId, MemberId, RewardId};
use crate::money::{Currency, Money};
use crate::points::{Earning, PointsToRedeem};
use crate::rental::Rental;
use crate::stay::Stay;
use crate::trip::{CarPart, CardToken, FlightPart, HotelPart, PaymentPlan, TripPlan};

/// The moment at which most tests decide.
pub(crate) const NOW: &str = "2024-12-01T12:00:00Z";
/// Rooms of the sample hotel, seats of the flight's one cabin, vehicles of the fleet.
pub(crate) const ON_SALE: u32 = 3;
/// Minor units of one night, one seat, one started day.
pub(crate) const UNIT_PRICE: i64 = 10_000;

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn booking(number: u128) -> BookingId {
    BookingId(Uuid::from_u128(0x0193_8b5e_0000_7000_8000_0000_0000_0000 + number))
}

pub(crate) fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

pub(crate) fn room_type(code: &str, rooms: u32) -> RoomTypeDetails {
    RoomTypeDetails { code: code.into(), name: "Double room".into(), rooms, nightly_price: pounds(UNIT_PRICE) }
}

pub(crate) fn hotel_details() -> HotelDetails {
    HotelDetails {
        supplier: "own".into(),
        code: "H1".into(),
        name: "The Fictional Arms".into(),
        city: "London".into(),
        country: "GB".into(),
        time_zone: Tz::Europe__London,
        latitude: Some(51.5),
        longitude: Some(-0.125),
        room_types: vec![room_type("DBL", ON_SALE)],
    }
}

pub(crate) fn flight_details() -> FlightDetails {
    FlightDetails {
        supplier: "own".into(),
        code: "F1".into(),
        carrier: "ZZ".into(),
        origin: "JFK".into(),
        origin_zone: Tz::America__New_York,
        destination: "LHR".into(),
        destination_zone: Tz::Europe__London,
        departure_at: instant("2024-12-24T01:30:00Z"),
        arrival_at: instant("2024-12-24T08:30:00Z"),
        cabins: vec![CabinDetails { cabin: "ECONOMY".into(), seats: ON_SALE, price: pounds(UNIT_PRICE) }],
    }
}

pub(crate) fn car_details() -> CarDetails {
    CarDetails {
        supplier: "own".into(),
        code: "C1".into(),
        name: "A fictional estate".into(),
        car_class: "STANDARD".into(),
        location: "LHR".into(),
        time_zone: Tz::Europe__London,
        vehicles: ON_SALE,
        daily_price: pounds(UNIT_PRICE),
    }
}

/// Who books the sample trips.
pub(crate) fn member() -> MemberId {
    MemberId::of("someone")
}

/// The member's points, more than the dearest sample trip costs.
pub(crate) const POINTS_HELD: u64 = 60_000;
/// What approved trips bring their member, where they bring something.
pub(crate) const POINTS_EARNED: u64 = 300;

/// The member's voucher: see [`tenth`].
pub(crate) fn voucher_id() -> RewardId {
    RewardId::of(CampaignId::of("own", "referral"), "a friend")
}

/// A tenth off any trip, for ever.
pub(crate) const fn tenth() -> Voucher {
    Voucher { off: Off::Percent(10), minimum_total: None, expires_at: None }
}

/// The last day on which points of the sample trips may have to come back.
pub(crate) fn points_until() -> NaiveDate {
    day("2025-12-24")
}

/// A trip of the same member that nobody looks at.
pub(crate) mod other_trip {
    use super::{booking, member, points_until, pounds, voucher_id};
    use crate::id::BookingId;
    use crate::message::Direction;
    use crate::points::{PointsOrder, PointsToRedeem};
    use crate::trip::VoucherPart;

    pub(crate) fn id() -> BookingId {
        booking(0xffff)
    }

    pub(crate) fn order(points: u64) -> PointsOrder {
        let value = pounds(points.try_into().expect("few"));
        let points = PointsToRedeem { member: member(), points, until: points_until() };
        PointsOrder { direction: Direction::Request, attempt: 1, points, value }
    }

    pub(crate) fn voucher() -> VoucherPart {
        VoucherPart { voucher: voucher_id(), member: member(), total: pounds(1_000), discount: pounds(100) }
    }
}

pub(crate) fn hotel_id() -> HotelId {
    HotelId::of("own", "H1")
}

pub(crate) fn flight_id() -> FlightId {
    FlightId::of("own", "F1")
}

pub(crate) fn car_id() -> CarId {
    CarId::of("own", "C1")
}

/// Rooms of the sample hotel, at its price.
pub(crate) fn rooms(check_in: &str, check_out: &str, rooms: u32) -> HotelPart {
    let stay = Stay::new(day(check_in), day(check_out)).expect("a stay");
    rooms_for(stay, rooms)
}

pub(crate) fn rooms_for(stay: Stay, rooms: u32) -> HotelPart {
    let price = pounds(UNIT_PRICE * stay.night_count() * i64::from(rooms));
    HotelPart { hotel: hotel_id(), room_type: "DBL".into(), stay, rooms, price }
}

/// Seats of the sample flight, at its price.
pub(crate) fn seats(seats: u32) -> FlightPart {
    let price = pounds(UNIT_PRICE * i64::from(seats));
    FlightPart { flight: flight_id(), cabin: "ECONOMY".into(), seats, price }
}

/// A vehicle of the sample fleet, at its price.
pub(crate) fn vehicle(pick_up: &str, drop_off: &str) -> CarPart {
    vehicle_for(Rental::new(instant(pick_up), instant(drop_off)).expect("a rental"))
}

pub(crate) fn vehicle_for(rental: Rental) -> CarPart {
    CarPart { car: car_id(), rental, price: pounds(UNIT_PRICE * rental.started_days()) }
}

pub(crate) fn card() -> PaymentPlan {
    PaymentPlan::Card(CardToken { token: "tok_1".into(), brand: "visa".into(), last_four: "4242".into() })
}

/// With the member's points; [`trip`] says how many.
pub(crate) fn points() -> PaymentPlan {
    PaymentPlan::Redeem(PointsToRedeem { member: member(), points: 0, until: points_until() })
}

/// The same trip, booked by the member with the voucher: a tenth off.
pub(crate) fn with_voucher(plan: TripPlan) -> TripPlan {
    let amount = pounds(plan.total.minor / 10);
    let prices = [
        plan.hotel.as_ref().map(|part| part.price),
        plan.flight.as_ref().map(|part| part.price),
        plan.car.as_ref().map(|part| part.price),
    ];
    let discount = Some(Discount::shared(voucher_id(), amount, prices));
    let total = pounds(plan.total.minor - amount.minor);
    let payment = paying(plan.payment, total);
    TripPlan { payment, total, discount, member: Some(member()), ..plan }
}

/// The same trip, which brings the member points once it is approved.
pub(crate) fn earning(plan: TripPlan) -> TripPlan {
    let earns = Some(Earning { member: member(), points: POINTS_EARNED, until: points_until() });
    TripPlan { member: Some(member()), earns, ..plan }
}

/// A point pays a penny.
fn paying(payment: PaymentPlan, total: Money) -> PaymentPlan {
    match payment {
        PaymentPlan::Redeem(redeem) => {
            PaymentPlan::Redeem(PointsToRedeem { points: total.minor.unsigned_abs(), ..redeem })
        }
        other => other,
    }
}

/// A trip with the parts asked for: 2 nights, 1 seat, 2 days.
pub(crate) fn trip(parts: [bool; 3], payment: PaymentPlan) -> TripPlan {
    let [with_hotel, with_flight, with_car] = parts;
    let hotel = with_hotel.then(|| rooms("2024-12-24", "2024-12-26", 1));
    let flight = with_flight.then(|| seats(1));
    let car = with_car.then(|| vehicle("2024-12-24T10:00:00Z", "2024-12-26T09:00:00Z"));
    let total = [hotel.as_ref().map(|p| p.price), flight.as_ref().map(|p| p.price), car.as_ref().map(|p| p.price)]
        .into_iter()
        .flatten()
        .fold(pounds(0), |sum, price| sum.plus(price).expect("a total"));
    TripPlan {
        hotel,
        flight,
        car,
        payment: paying(payment, total),
        total,
        starts_at: instant("2024-12-24T00:00:00Z"),
        discount: None,
        member: None,
        earns: None,
    }
}
