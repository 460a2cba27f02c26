//! What broke in the reference system, one test for each defect that can exist here. Each begins with what was wrong there. Four more
//! cannot exist here: `docs/architecture.md` says why.

use std::collections::BTreeSet;

use super::{PARTS, World, asked, assert_ended, card, declined, held, parts_of, plan, reserved, subsets, undone};
use crate::aggregate::{Aggregate, Event};
use crate::booking::quote::{Booker, Offers, RoomsWanted, TripRequest, VehicleWanted, quote};
use crate::booking::{Booking, BookingEvent};
use crate::car::{Car, CarCommand, CarDetails};
use crate::failure::Code;
use crate::hotel::HotelEvent;
use crate::id::{BookingId, CarId, StreamId};
use crate::message::{Body, Destination, Direction, Message, Order, messages};
use crate::money::{Currency, Money};
use crate::payment::GatewayOutcome;
use crate::points::PointsTerms;
use crate::testing::at;
use crate::testing::samples::{NOW, car_details, car_id, flight_id, hotel_id, pounds};
use crate::testing::world::trip;
use crate::trip::{PaymentPlan, Step};
use crate::trip_saga::TripSaga;

/// There: cancelling looked approvals up by an id under which none was stored, found nothing and gave nothing back.
#[test]
fn a_cancelled_trip_finds_what_was_approved_and_gives_all_of_it_back() {
    for subset in subsets() {
        let mut world = asked(subset, card());
        world.run();
        assert_eq!(held(&world), parts_of(subset).into_iter().collect::<BTreeSet<_>>());
        world.cancel();
        world.run();
        assert_eq!((held(&world), world.gateway.kept), (BTreeSet::new(), 0));
        assert_ended(&world, subset, &card());
    }
}

/// There: the message that should take a part back bore the type "please book", and the part was booked a second time.
#[test]
fn a_compensation_asks_to_take_back_and_never_to_book() {
    let mut world = asked([true; 3], card());
    world.gateway.script.push_back(declined());
    while !world.names().contains(&"StepRefused".to_owned()) {
        assert!(world.deliver(0));
    }
    let turned_back = world.log.len() - 1;
    world.run();
    let asked_since = world.log[turned_back..].iter().flat_map(|(stream, event)| messages(*stream, event));
    let directions: Vec<Direction> = asked_since
        .filter_map(|message| match message.body {
            Body::Instruction(instruction) => Some(instruction.direction),
            _ => None,
        })
        .collect();
    assert_eq!(directions, [Direction::Undo; 4], "car, flight, hotel, the booking itself");
    for step in PARTS {
        assert_eq!(world.names().iter().filter(|name| *name == reserved(step)).count(), 1);
    }
}

/// There: when the very first step was refused nothing was left to compensate, and the booking stayed pending for ever.
#[test]
fn a_trip_whose_first_step_fails_is_cancelled() {
    for subset in subsets() {
        let first = parts_of(subset)[0];
        let mut world = World::new(PARTS.map(|step| step != first));
        world.request(plan(subset, card()));
        world.run();
        let Aggregate::Booking(booking) = world.aggregate(trip().stream()) else { panic!("no booking") };
        assert!(matches!(booking, Booking::Cancelled { .. }), "{booking:?}");
        assert_eq!(undone(&world), [], "there is nothing to take back");
        assert_ended(&world, subset, &card());
    }
}

/// There: the answer to the car's step approved nothing, so that a trip with a car never ended.
#[test]
fn a_trip_with_a_car_is_approved() {
    for subset in subsets().filter(|[_, _, car]| *car) {
        let mut world = asked(subset, card());
        world.run();
        assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
        assert!(held(&world).contains(&Step::Car));
    }
}

/// There: a car that could not be had gave back the flight and forgot the hotel.
#[test]
fn a_car_that_fails_gives_back_the_hotel_as_well() {
    let mut world = World::new([true, true, false]);
    world.request(plan([true; 3], card()));
    world.run();
    assert_eq!(undone(&world), [Step::Flight, Step::Hotel]);
    assert_eq!(held(&world), BTreeSet::new());
}

/// There: whenever an outbox row was updated, the change was read as one more command.
#[test]
fn what_is_delivered_again_is_no_new_command() {
    for payment in [card(), PaymentPlan::None] {
        let mut world = asked([true; 3], payment.clone());
        world.run();
        assert!(world.redelivery_writes_nothing(), "once it stands");
        world.cancel();
        world.run();
        assert!(world.redelivery_writes_nothing(), "once it is taken back");
        assert_ended(&world, [true; 3], &payment);
    }
}

/// There: duplicates were told by a status that nothing ever wrote, so that none was ever told.
#[test]
fn a_duplicate_is_told_at_every_stage_of_a_trip() {
    let mut world = asked([true; 3], card());
    while !world.outbox.is_empty() {
        let again = world.outbox.front().cloned().expect("a message");
        assert!(world.deliver(0));
        let (written, caused) = (world.log.len(), world.outbox.len());
        world.outbox.push_front(again);
        assert!(world.deliver(0));
        assert_eq!((world.log.len(), world.outbox.len()), (written, caused), "the second delivery changes nothing");
    }
    assert!(matches!(world.saga(), TripSaga::Succeeded { .. }));
}

/// There: a minimum price in one currency was compared with a price in another, as if a number were enough.
#[test]
fn amounts_in_different_currencies_are_neither_compared_nor_added() {
    let world = World::new([true; 3]);
    let in_euros = Money::new(10_000, "EUR".parse::<Currency>().expect("a currency"));
    let dear = Car::default().decide(CarCommand::Upsert {
        details: CarDetails { daily_price: in_euros, code: "C2".into(), ..car_details() },
        occasion: at(NOW),
    });
    let mut car = Car::default();
    dear.expect("listed").iter().for_each(|event| car.apply(event));
    let Aggregate::Hotel(hotel) = world.aggregate(hotel_id().stream()) else { panic!("no hotel") };
    let asked_for = plan([true, false, true], PaymentPlan::None);
    let rooms = asked_for.hotel.expect("rooms");
    let wanted = TripRequest {
        hotel: Some(RoomsWanted {
            hotel: hotel_id(),
            room_type: rooms.room_type,
            stay: rooms.stay,
            rooms: rooms.rooms,
        }),
        flight: None,
        car: Some(VehicleWanted { car: CarId::of("own", "C2"), rental: asked_for.car.expect("a car").rental }),
        payment: PaymentPlan::None,
        expected_total: None,
        voucher: None,
    };
    let offers = Offers { hotel: Some(&hotel), flight: None, car: Some(&car), voucher: None };
    let terms = PointsTerms::default();
    let refused = quote(&wanted, offers, Booker { member: None, has_left: false, terms: &terms }, at(NOW))
        .expect_err("two currencies make no total");
    assert_eq!(refused.failure.code, Code::CurrencyMismatch);
    assert!(pounds(10_000).plus(in_euros).is_err());
    assert_ne!(pounds(10_000), in_euros, "the same number in another currency is another price");
}

/// There: the participant's reason was dropped on the way, and the traveller read an empty text.
#[test]
fn the_reason_of_a_failure_reaches_the_booking_word_for_word() {
    let mut world = asked([true; 3], card());
    let GatewayOutcome::Refused(reason) = declined() else { panic!("a refusal") };
    world.gateway.script.push_back(declined());
    world.run();
    let told = world.log.iter().find_map(|(_, event)| match event {
        Event::Booking(BookingEvent::BookingCancelled { failure, .. }) => failure.clone(),
        _ => None,
    });
    let told = told.expect("a reason");
    assert_eq!((told.step, told.failure), (Step::Payment, reason));
}

/// There: a reply that was lost left its saga open for ever.
#[test]
fn a_trip_ends_whichever_reply_is_lost() {
    for lost in 0..14 {
        let mut world = asked([true; 3], card());
        for _ in 0..lost {
            world.deliver(0);
        }
        let is_answer = |message: &Message| matches!(message.body, Body::Answer(_));
        let Some(place) = world.outbox.iter().position(is_answer) else { continue };
        world.outbox.remove(place);
        world.run();
        assert_ended(&world, [true; 3], &card());
    }
}

/// There: an id was printed as the name of its class, and nobody could read it back.
#[test]
fn every_id_in_a_message_reads_back_as_the_same_id() {
    let mut world = asked([true; 3], card());
    world.run();
    assert_eq!(trip().to_string().parse::<BookingId>(), Ok(trip()));
    for (stream, event) in &world.log {
        assert_eq!(stream.to_string().parse::<StreamId>().ok(), Some(*stream));
        for message in messages(*stream, event) {
            let stored = serde_json::to_string(&message.body).expect("JSON");
            assert_eq!(serde_json::from_str::<Body>(&stored).ok(), Some(message.body), "{stored}");
        }
    }
}

/// There: one service sent values of an enum that the other did not know.
#[test]
fn every_code_and_word_that_is_sent_is_known_to_who_reads_it() {
    for step in [Step::Hotel, Step::Flight, Step::Car, Step::Payment, Step::Approve] {
        let stored = serde_json::to_string(&step).expect("JSON");
        assert_eq!(serde_json::from_str::<Step>(&stored).ok(), Some(step));
        assert_eq!(stored.trim_matches('"'), step.as_str(), "one spelling");
    }
    for code in Code::ALL {
        let stored = serde_json::to_string(&code).expect("JSON");
        assert_eq!(serde_json::from_str::<Code>(&stored).ok(), Some(code));
        assert_eq!(stored.trim_matches('"'), code.as_str(), "one spelling");
    }
}

/// There: fields of a payload were declared and never set, and the receiver found nothing in them.
#[test]
fn every_message_carries_all_that_its_receiver_needs() {
    let mut world = asked([true; 3], card());
    world.run();
    world.cancel();
    world.run();
    let wanted = plan([true; 3], card());
    for (stream, event) in &world.log {
        for message in messages(*stream, event) {
            let Body::Instruction(asked) = &message.body else { continue };
            let Destination::Stream(to) = message.to else { panic!("an instruction has a stream") };
            assert!(asked.attempt > 0 && asked.answer_by.is_some() && message.booking == trip());
            match &asked.order {
                Order::Voucher(_) => panic!("the trip has no voucher"),
                Order::Rooms(part) => {
                    assert_eq!((Some(part), to), (wanted.hotel.as_ref(), hotel_id().stream()));
                }
                Order::Seats(part) => {
                    assert_eq!((Some(part), to), (wanted.flight.as_ref(), flight_id().stream()));
                }
                Order::Vehicle(part) => {
                    assert_eq!((Some(part), to), (wanted.car.as_ref(), car_id().stream()));
                }
                Order::Payment { plan, amount, .. } => {
                    assert_eq!((plan, *amount), (&wanted.payment, wanted.total));
                }
                Order::Booking { .. } => assert_eq!(to, trip().stream()),
            }
        }
    }
    let answered = world.log.iter().any(|(_, event)| {
        matches!(event, Event::Hotel(HotelEvent::RoomsReserved { part, .. }) if Some(part) == wanted.hotel.as_ref())
    });
    assert!(answered, "and so does what the participant keeps");
}
