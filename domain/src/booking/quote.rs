//! What a trip costs today: computed from the offers, before anything is reserved.

use chrono::Days;
use serde::{Deserialize, Serialize};

use crate::car::Car;
use crate::discount::Discount;
use crate::failure::{Code, Failure};
use crate::flight::Flight;
use crate::hotel::Hotel;
use crate::id::{CarId, FlightId, HotelId, MemberId, RewardId};
use crate::money::{Money, MoneyError};
use crate::occasion::Occasion;
use crate::points::{Earning, PointsTerms, PointsToRedeem};
use crate::rental::Rental;
use crate::reward::Reward;
use crate::stay::Stay;
use crate::trip::{CarPart, FlightPart, HotelPart, NoOffer, Offer, PaymentPlan, TripPlan};

/// A trip as it is asked for, not yet priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripRequest {
    /// The hotel, if any.
    pub hotel: Option<RoomsWanted>,
    /// The flight, if any.
    pub flight: Option<SeatsWanted>,
    /// The car, if any.
    pub car: Option<VehicleWanted>,
    /// How it is paid; a card by its token.
    pub payment: PaymentPlan,
    /// What the caller believes it costs.
    pub expected_total: Option<Money>,
    /// The voucher that makes it cheaper, if any.
    pub voucher: Option<RewardId>,
}

/// Rooms asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomsWanted {
    /// The property.
    pub hotel: HotelId,
    /// The property's code of the room type.
    pub room_type: String,
    /// The nights.
    pub stay: Stay,
    /// How many.
    pub rooms: u32,
}

/// Seats asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatsWanted {
    /// The departure.
    pub flight: FlightId,
    /// The cabin.
    pub cabin: String,
    /// How many.
    pub seats: u32,
}

/// A vehicle asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleWanted {
    /// The fleet.
    pub car: CarId,
    /// From pick-up to drop-off.
    pub rental: Rental,
}

/// The aggregates that the trip is priced from; absent where the trip has no such part.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// The hotel.
    pub hotel: Option<&'a Hotel>,
    /// The flight.
    pub flight: Option<&'a Flight>,
    /// The fleet.
    pub car: Option<&'a Car>,
    /// The voucher.
    pub voucher: Option<&'a Reward>,
}

/// Who books, where that is a member now, and what points are worth.
#[derive(Debug, Clone, Copy)]
pub struct Booker<'a> {
    /// The member; absent when the caller is none.
    pub member: Option<MemberId>,
    /// Whether the caller was one, and has left.
    pub has_left: bool,
    /// What points are worth.
    pub terms: &'a PointsTerms,
}

impl Booker<'_> {
    /// Why somebody who is no member has nothing of the kind.
    fn is_no_member(self, code: Code, message: &str) -> Failure {
        if self.has_left {
            let message = "You have left as a member, and your points and vouchers with you: pay in another way.";
            return Failure::new(Code::MemberClosed, message);
        }
        Failure::new(code, message)
    }
}

/// Days after a trip's first moment within which points may have to be given back or taken back: an operator's undo may be late.
pub const POINTS_KEPT_DAYS: u64 = 365;

/// Why a trip has no price, and which input field is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoQuote {
    /// Code and sentence.
    pub failure: Failure,
    /// Path of the field below the input; empty when no single field is at fault.
    pub path: Vec<&'static str>,
}

impl NoQuote {
    fn new(code: Code, message: &str, path: &[&'static str]) -> Self {
        Self { failure: Failure::new(code, message), path: path.to_vec() }
    }

    fn of_part(part: &'static str, reason: NoOffer) -> Self {
        Self { failure: reason.failure, path: vec![part, reason.field] }
    }
}

/// Prices a trip from today's offers. Whether anything is left is decided by the participants, not here.
pub fn quote(
    wanted: &TripRequest,
    offers: Offers<'_>,
    booker: Booker<'_>,
    occasion: Occasion,
) -> Result<TripPlan, NoQuote> {
    // A part whose offer is not there is one that is not listed: it is refused, never left out.
    let hotel = match &wanted.hotel {
        Some(rooms) => Some(hotel_part(rooms, offers.hotel.unwrap_or(&Hotel::default()), occasion)?),
        None => None,
    };
    let flight = match &wanted.flight {
        Some(seats) => Some(flight_part(seats, offers.flight.unwrap_or(&Flight::default()), occasion)?),
        None => None,
    };
    let car = match &wanted.car {
        Some(vehicle) => Some(car_part(vehicle, offers.car.unwrap_or(&Car::default()), occasion)?),
        None => None,
    };
    let parts: Vec<Offer> = [
        hotel.as_ref().map(|(_, offer)| *offer),
        flight.as_ref().map(|(_, offer)| *offer),
        car.as_ref().map(|(_, offer)| *offer),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sum = total(&parts)?;
    let starts_at = parts.iter().map(|offer| offer.starts_at).min().unwrap_or(occasion.at);
    let mut plan = TripPlan {
        hotel: hotel.map(|(part, _)| part),
        flight: flight.map(|(part, _)| part),
        car: car.map(|(part, _)| part),
        payment: wanted.payment.clone(),
        total: sum,
        starts_at,
        discount: None,
        member: booker.member,
        earns: None,
    };
    if let Some(voucher) = wanted.voucher {
        take_off(&mut plan, (voucher, offers.voucher), booker, occasion)?;
    }
    check_expected(wanted.expected_total, plan.total)?;
    with_points(&mut plan, booker)?;
    Ok(plan)
}

/// The voucher makes the whole cheaper; the parts keep their prices.
fn take_off(
    plan: &mut TripPlan,
    (id, voucher): (RewardId, Option<&Reward>),
    booker: Booker<'_>,
    occasion: Occasion,
) -> Result<(), NoQuote> {
    let refused = |failure| NoQuote { failure, path: vec!["voucher"] };
    let nobodys = || booker.is_no_member(Code::NotFound, "Vouchers are for members: sign up, or book without it.");
    let member = plan.member.ok_or_else(|| refused(nobodys()))?;
    let amount = voucher.unwrap_or(&Reward::default()).offer(member, plan.total, occasion).map_err(refused)?;
    let prices = [
        plan.hotel.as_ref().map(|part| part.price),
        plan.flight.as_ref().map(|part| part.price),
        plan.car.as_ref().map(|part| part.price),
    ];
    plan.discount = Some(Discount::shared(id, amount, prices));
    plan.total = Money::new(plan.total.minor - amount.minor, plan.total.currency);
    Ok(())
}

/// What is paid with points brings none. Nor does what is to be paid at the counter: nobody here learns whether it was, and points that come
/// before the money would be free.
fn with_points(plan: &mut TripPlan, booker: Booker<'_>) -> Result<(), NoQuote> {
    let until = plan.starts_at.checked_add_days(Days::new(POINTS_KEPT_DAYS)).unwrap_or(plan.starts_at).date_naive();
    match (&plan.payment, booker.member) {
        (PaymentPlan::Points | PaymentPlan::Redeem(_), None) => {
            let message = "Points need a member: sign up, or pay by card or at the counter.";
            let failure = booker.is_no_member(Code::PaymentMethodUnavailable, message);
            return Err(NoQuote { failure, path: vec!["payment", "method"] });
        }
        (PaymentPlan::Points | PaymentPlan::Redeem(_), Some(member)) => {
            let points = booker.terms.points_for(plan.total);
            plan.payment = PaymentPlan::Redeem(PointsToRedeem { member, points, until });
        }
        (PaymentPlan::None, _) => {}
        (PaymentPlan::Card(_), member) => {
            let points = booker.terms.earned_for(plan.total);
            plan.earns = member.filter(|_| points > 0).map(|member| Earning { member, points, until });
        }
    }
    Ok(())
}

fn hotel_part(wanted: &RoomsWanted, hotel: &Hotel, occasion: Occasion) -> Result<(HotelPart, Offer), NoQuote> {
    let offer = hotel
        .offer(&wanted.room_type, wanted.stay, wanted.rooms, occasion)
        .map_err(|reason| NoQuote::of_part("hotel", reason))?;
    let part = HotelPart {
        hotel: wanted.hotel,
        room_type: wanted.room_type.clone(),
        stay: wanted.stay,
        rooms: wanted.rooms,
        price: offer.price,
    };
    Ok((part, offer))
}

fn flight_part(wanted: &SeatsWanted, flight: &Flight, occasion: Occasion) -> Result<(FlightPart, Offer), NoQuote> {
    let offer =
        flight.offer(&wanted.cabin, wanted.seats, occasion).map_err(|reason| NoQuote::of_part("flight", reason))?;
    let part =
        FlightPart { flight: wanted.flight, cabin: wanted.cabin.clone(), seats: wanted.seats, price: offer.price };
    Ok((part, offer))
}

fn car_part(wanted: &VehicleWanted, car: &Car, occasion: Occasion) -> Result<(CarPart, Offer), NoQuote> {
    let offer = car.offer(wanted.rental, occasion).map_err(|reason| NoQuote::of_part("car", reason))?;
    Ok((CarPart { car: wanted.car, rental: wanted.rental, price: offer.price }, offer))
}

fn total(parts: &[Offer]) -> Result<Money, NoQuote> {
    let Some((first, rest)) = parts.split_first() else {
        return Err(NoQuote::new(
            Code::InvalidInput,
            "A trip needs a hotel, a flight or a car: give at least one.",
            &[],
        ));
    };
    rest.iter().try_fold(first.price, |sum, part| sum.plus(part.price)).map_err(|error| match error {
        MoneyError::CurrencyMismatch => NoQuote::new(
            Code::CurrencyMismatch,
            "The parts are priced in different currencies: book them as separate trips.",
            &[],
        ),
        _ => NoQuote::new(Code::InvalidInput, "The total is too large: book fewer nights, rooms or seats.", &[]),
    })
}

fn check_expected(expected: Option<Money>, total: Money) -> Result<(), NoQuote> {
    match expected {
        Some(expected) if expected != total => {
            let message = format!("The trip costs {total} today: confirm the new total.");
            Err(NoQuote::new(Code::PriceChanged, &message, &["expectedTotal"]))
        }
        _ => Ok(()),
    }
}
