//! The rules of a trip's input, field by field.

use secrecy::{ExposeSecret, SecretString};
use traveladvisor_commands::input::{self, FieldError};
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, VehicleWanted};
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::id::RewardId;
use traveladvisor_domain::money::Money;
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::trip::{ROOMS_MAX, SEATS_MAX};

use super::input::{BookTripInput, CarRentalInput, FlightSeatsInput, HotelStayInput, PaymentInput, TravellerInput};
use crate::graphql::mutation::rules::{date, email, free_text, idempotency_key, phone, wanted_code};
use crate::graphql::mutation::submit::Findings;
use crate::graphql::types::{BookingWait, ErrorCode, PaymentMethod, UserError};
use crate::limits::{CARD_NUMBER_CHARS_MAX, TRAVELLER_NAME_CHARS_MAX};

/// A trip's input of which every field keeps its rule; the card is still a number.
pub(super) struct Checked {
    pub(super) key: String,
    pub(super) traveller: Traveller,
    pub(super) hotel: Option<RoomsWanted>,
    pub(super) flight: Option<SeatsWanted>,
    pub(super) car: Option<VehicleWanted>,
    pub(super) payment: Means,
    pub(super) voucher: Option<RewardId>,
    pub(super) expected_total: Option<Money>,
    pub(super) wait: BookingWait,
}

/// How it is paid, before the gateway was asked.
pub(super) enum Means {
    Card(SecretString),
    Points,
    Counter,
}

/// Everything that is wrong, or the trip.
pub(super) fn check(given: BookTripInput) -> Result<Checked, Vec<UserError>> {
    let mut findings = Findings::default();
    if given.hotel.is_none() && given.flight.is_none() && given.car.is_none() {
        findings.add(ErrorCode::InvalidInput, "A trip needs a hotel, a flight or a car: give at least one.", &[]);
    }
    let key = findings.check(&["idempotencyKey"], idempotency_key(&given.idempotency_key));
    let traveller = traveller(&mut findings, &given.traveller);
    let hotel = optional(given.hotel, |stay| rooms(&mut findings, &stay));
    let flight = optional(given.flight, |wanted| seats(&mut findings, &wanted));
    let car = optional(given.car, |rental| vehicle(&mut findings, &rental));
    let payment = payment(&mut findings, given.payment);
    let voucher = optional(given.voucher, |voucher| findings.id(&["voucher"], "voucher", &voucher));
    let expected_total =
        optional(given.expected_total, |total| findings.check(&["expectedTotal"], input::money(&total.into())));
    let wait = given.wait;
    let checked = || {
        Some(Checked {
            key: key?,
            traveller: traveller?,
            hotel: hotel?,
            flight: flight?,
            car: car?,
            payment: payment?,
            voucher: voucher?,
            expected_total: expected_total?,
            wait,
        })
    };
    let checked = checked();
    findings.settle(checked)
}

/// What is not given is in order; what is given must be. An outer `None`: it was given and breaks a rule.
#[expect(clippy::option_option, reason = "what is wrong and what is left out are two things")]
fn optional<T, U>(given: Option<T>, rule: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match given {
        Some(value) => rule(value).map(Some),
        None => Some(None),
    }
}

fn traveller(findings: &mut Findings, given: &TravellerInput) -> Option<Traveller> {
    let address = findings.check(&["traveller", "email"], email(&given.email));
    let name = findings.check(&["traveller", "name"], free_text(&given.name, TRAVELLER_NAME_CHARS_MAX));
    let number = optional(given.phone.as_ref(), |given| findings.check(&["traveller", "phone"], phone(given)));
    Some(Traveller { email: address?, name: name?, phone: number? })
}

fn rooms(findings: &mut Findings, given: &HotelStayInput) -> Option<RoomsWanted> {
    let hotel = findings.id(&["hotel", "hotelId"], "hotel", &given.hotel_id);
    let room_type = findings.check(&["hotel", "roomType"], wanted_code(&given.room_type));
    let check_in = findings.check(&["hotel", "checkIn"], date(given.check_in.0));
    let check_out = findings.check(&["hotel", "checkOut"], date(given.check_out.0));
    let rooms = findings.check(&["hotel", "rooms"], input::count(given.rooms, ROOMS_MAX));
    let stay = findings.check(&["hotel", "checkOut"], Stay::new(check_in?, check_out?).map_err(field_error));
    Some(RoomsWanted { hotel: hotel?, room_type: room_type?, stay: stay?, rooms: rooms? })
}

fn seats(findings: &mut Findings, given: &FlightSeatsInput) -> Option<SeatsWanted> {
    let flight = findings.id(&["flight", "flightId"], "flight", &given.flight_id);
    let cabin = findings.check(&["flight", "cabin"], wanted_code(&given.cabin));
    let seats = findings.check(&["flight", "seats"], input::count(given.seats, SEATS_MAX));
    Some(SeatsWanted { flight: flight?, cabin: cabin?, seats: seats? })
}

fn vehicle(findings: &mut Findings, given: &CarRentalInput) -> Option<VehicleWanted> {
    let car = findings.id(&["car", "carId"], "car", &given.car_id);
    let pick_up = findings.check(&["car", "pickUpAt"], input::instant(given.pick_up_at.0));
    let drop_off = findings.check(&["car", "dropOffAt"], input::instant(given.drop_off_at.0));
    let rental = findings.check(&["car", "dropOffAt"], Rental::new(pick_up?, drop_off?).map_err(field_error));
    Some(VehicleWanted { car: car?, rental: rental? })
}

fn payment(findings: &mut Findings, given: PaymentInput) -> Option<Means> {
    let number = given.card_number.map(|number| number.0);
    let place = &["payment", "cardNumber"];
    match (given.method, number) {
        (PaymentMethod::Card, Some(number)) if number.expose_secret().chars().count() > CARD_NUMBER_CHARS_MAX => {
            findings.add(ErrorCode::InvalidInput, "The card number is not valid: check its digits.", place);
            None
        }
        (PaymentMethod::Card, Some(number)) => Some(Means::Card(number)),
        (PaymentMethod::Card, None) => {
            findings.add(ErrorCode::InvalidInput, "Payment by card needs the card's number: give it.", place);
            None
        }
        (_, Some(_)) => {
            findings.add(ErrorCode::InvalidInput, "Only payment by card takes a card's number: leave it out.", place);
            None
        }
        (PaymentMethod::Points, None) => Some(Means::Points),
        (PaymentMethod::None, None) => Some(Means::Counter),
    }
}

fn field_error(failure: Failure) -> FieldError {
    FieldError { path: Vec::new(), code: failure.code, message: failure.message }
}
