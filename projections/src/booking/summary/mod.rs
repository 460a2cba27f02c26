//! One sentence for each event, for a traveller or an operator. No personal values, no free words of callers; prices as decimal text.
//! What only operators are to read stands apart.

mod points;
mod saga;

use chrono::{DateTime, SecondsFormat, Utc};
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::booking::BookingEvent;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::dead_letter::DeadLetterEvent;
use traveladvisor_domain::discount::Discount;
use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart, PaymentPlan, Step, TripPlan};

use crate::views::PaymentMethod;

pub(super) use self::saga::signed as signed_of_saga;

/// Of a trip that is paid in this way: a payment's own events do not all repeat it.
pub(super) fn summary(event: &Event, method: PaymentMethod) -> String {
    match (event, method) {
        (Event::Payment(event), PaymentMethod::Points) => {
            points::of_payment(event).unwrap_or_else(|| of_payment(event))
        }
        _ => plain(event),
    }
}

fn plain(event: &Event) -> String {
    match event {
        Event::Booking(event) => of_booking(event),
        Event::TripSaga(event) => saga::of_saga(event),
        Event::Hotel(event) => of_hotel(event),
        Event::Flight(event) => of_flight(event),
        Event::Car(event) => of_car(event),
        Event::Payment(event) => of_payment(event),
        Event::DeadLetter(event) => of_dead_letter(event),
        Event::Reward(event) => points::of_reward(event),
        Event::PointsAccount(event) => points::of_points_account(event),
        Event::Member(_) | Event::EmailClaim(_) | Event::Campaign(_) | Event::Programme(_) => String::new(),
    }
}

/// What only operators read of an event, beside its sentence: their own words, what they can do, how others know a call.
pub(super) fn signed(event: &Event) -> Option<String> {
    match event {
        Event::TripSaga(event) => saga::signed(event),
        Event::Payment(PaymentEvent::OutcomeAsked { call, .. }) => {
            Some(format!("The gateway knows the call by the key {}.", call.key))
        }
        _ => None,
    }
}

fn of_booking(event: &BookingEvent) -> String {
    match event {
        BookingEvent::BookingRequested { plan, .. } => {
            let parts = parts(plan);
            match &plan.discount {
                Some(Discount { amount, .. }) => {
                    format!("A trip with {parts} was requested for {}, a voucher for {amount} taken off.", plan.total)
                }
                None => format!("A trip with {parts} was requested for {}.", plan.total),
            }
        }
        BookingEvent::CancellationRequested { .. } => "The traveller asked to cancel the trip.".to_owned(),
        BookingEvent::BookingApproved { .. } => "The booking was approved.".to_owned(),
        BookingEvent::BookingCancelled { failure: None, .. } => "The booking was cancelled.".to_owned(),
        BookingEvent::BookingCancelled { failure: Some(failed), .. } => {
            format!("The booking was cancelled because {} failed.", thing(failed.step))
        }
        BookingEvent::AnswerRepeated { .. } => "The booking's answer was given again.".to_owned(),
    }
}

fn parts(plan: &TripPlan) -> String {
    let present = [plan.hotel.is_some(), plan.flight.is_some(), plan.car.is_some()];
    let names: Vec<&str> =
        ["a hotel", "a flight", "a car"].into_iter().zip(present).filter_map(|(name, is)| is.then_some(name)).collect();
    match names.as_slice() {
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second] => format!("{first} and {second}"),
        names => names.concat(),
    }
}

const fn thing(step: Step) -> &'static str {
    match step {
        Step::Voucher => "the voucher",
        Step::Hotel => "the hotel",
        Step::Flight => "the flight",
        Step::Car => "the car",
        Step::Payment => "the payment",
        Step::Approve => "the approval",
    }
}

fn of_hotel(event: &HotelEvent) -> String {
    match event {
        HotelEvent::RoomsReserved { part, .. } => format!("{} reserved for {}.", rooms(part), part.price),
        HotelEvent::RoomsRefused { part, failure, .. } => format!("{} not reserved: {}", rooms(part), why(failure)),
        HotelEvent::RoomsReleased { part, .. } => format!("{} given back.", rooms(part)),
        HotelEvent::ReservationBarred { .. } => {
            "No rooms were held; a request that comes late will be refused.".to_owned()
        }
        HotelEvent::AnswerRepeated { .. } => "The hotel's answer was given again.".to_owned(),
        HotelEvent::HotelListed { .. } | HotelEvent::HotelChanged { .. } | HotelEvent::AllotmentChanged { .. } => {
            "The hotel's offer changed.".to_owned()
        }
    }
}

fn rooms(part: &HotelPart) -> String {
    let (noun, verb) = if part.rooms == 1 { ("room", "was") } else { ("rooms", "were") };
    let (from, to) = (part.stay.check_in(), part.stay.check_out());
    format!("{} {noun} of type {} from {from} to {to} {verb}", part.rooms, part.room_type)
}

fn of_flight(event: &FlightEvent) -> String {
    match event {
        FlightEvent::SeatsReserved { part, .. } => format!("{} reserved for {}.", seats(part), part.price),
        FlightEvent::SeatsRefused { part, failure, .. } => format!("{} not reserved: {}", seats(part), why(failure)),
        FlightEvent::SeatsReleased { part, .. } => format!("{} given back.", seats(part)),
        FlightEvent::ReservationBarred { .. } => {
            "No seats were held; a request that comes late will be refused.".to_owned()
        }
        FlightEvent::AnswerRepeated { .. } => "The flight's answer was given again.".to_owned(),
        FlightEvent::FlightListed { .. } | FlightEvent::FlightChanged { .. } => {
            "The flight's offer changed.".to_owned()
        }
    }
}

fn seats(part: &FlightPart) -> String {
    let (noun, verb) = if part.seats == 1 { ("seat", "was") } else { ("seats", "were") };
    format!("{} {noun} in {} {verb}", part.seats, part.cabin)
}

fn of_car(event: &CarEvent) -> String {
    match event {
        CarEvent::VehicleReserved { part, .. } => format!("{} reserved for {}.", vehicle(part), part.price),
        CarEvent::VehicleRefused { part, failure, .. } => format!("{} not reserved: {}", vehicle(part), why(failure)),
        CarEvent::VehicleReleased { part, .. } => format!("{} given back.", vehicle(part)),
        CarEvent::ReservationBarred { .. } => "No car was held; a request that comes late will be refused.".to_owned(),
        CarEvent::AnswerRepeated { .. } => "The car's answer was given again.".to_owned(),
        CarEvent::CarListed { .. } | CarEvent::CarChanged { .. } => "The car's offer changed.".to_owned(),
    }
}

fn vehicle(part: &CarPart) -> String {
    format!("A car from {} to {} was", instant(part.rental.pick_up()), instant(part.rental.drop_off()))
}

fn of_payment(event: &PaymentEvent) -> String {
    match event {
        PaymentEvent::PaymentRequested { amount, plan, .. } => match plan {
            PaymentPlan::Card(card) => {
                format!("{amount} was asked for from the {} card ending in {}.", card.brand, card.last_four)
            }
            PaymentPlan::Points => format!("{amount} was asked for in points."),
            PaymentPlan::Redeem(asked) => format!("{amount} was asked for as {} points.", asked.points),
            PaymentPlan::None => format!("{amount} is to be paid at the counter."),
        },
        PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. } => format!("{amount} was paid."),
        PaymentEvent::PaymentCompleted { charge: None, .. } => "Nothing is to be paid in advance.".to_owned(),
        PaymentEvent::PaymentFailed { failure, .. } => format!("The payment was refused: {}", why(failure)),
        PaymentEvent::PaymentFaulted { failure, .. } => {
            format!("The payment met a fault, nothing was taken: {}", why(failure))
        }
        PaymentEvent::OutcomeUnknown { direction: Direction::Request, failure, .. } => {
            format!("What came of the payment is not known yet: {}", why(failure))
        }
        PaymentEvent::OutcomeUnknown { direction: Direction::Undo, failure, .. } => {
            format!("What came of the refund is not known yet: {}", why(failure))
        }
        PaymentEvent::OutcomeAsked { direction: Direction::Request, .. } => {
            "The gateway is asked again what came of the payment.".to_owned()
        }
        PaymentEvent::OutcomeAsked { direction: Direction::Undo, .. } => {
            "The gateway is asked again what came of the refund.".to_owned()
        }
        PaymentEvent::PointsAsked { order, .. } => points::asked(order),
        PaymentEvent::UndoAwaited { .. } => {
            "The payment is to be given back once the gateway has told its outcome.".to_owned()
        }
        PaymentEvent::RefundRequested { call } => format!("The refund of {} was asked for.", call.amount),
        PaymentEvent::RefundFaulted { failure, .. } => {
            format!("The refund met a fault, nothing was given back: {}", why(failure))
        }
        PaymentEvent::PaymentCancelled { refunded, .. } if refunded.minor == 0 => {
            "The payment was cancelled; nothing had been taken.".to_owned()
        }
        PaymentEvent::PaymentCancelled { refunded, .. } => format!("{refunded} was given back."),
        PaymentEvent::PaymentBarred { .. } => {
            "Nothing was taken; a request that comes late will be refused.".to_owned()
        }
        PaymentEvent::AnswerRepeated { .. } => "The payment's answer was given again.".to_owned(),
    }
}

fn of_dead_letter(event: &DeadLetterEvent) -> String {
    let (instruction, failure) = match event {
        DeadLetterEvent::MessageDeadLettered { instruction, failure, .. }
        | DeadLetterEvent::RecordDeadLettered { instruction, failure, .. } => (instruction, failure),
        DeadLetterEvent::LetterRetried { .. } => return "A message that was set aside is tried again.".to_owned(),
        DeadLetterEvent::LetterDiscarded { .. } => return "A message that was set aside was given up.".to_owned(),
    };
    let message = match instruction {
        Some(asked) if asked.direction == Direction::Undo => format!("A message to take back {}", thing(asked.step)),
        Some(asked) => format!("A message that asks for {}", thing(asked.step)),
        None => "A message".to_owned(),
    };
    format!("{message} could not be handled and was set aside ({}).", failure.code)
}

fn why(failure: &Failure) -> String {
    let message = failure.message.trim_end();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{message}{end} ({})", failure.code)
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
