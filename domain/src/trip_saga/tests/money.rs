//! Several trips of one member at once, who want the same rooms, points and voucher, while rewards are granted, messages come late, again
//! and in any order, and the process dies. At the end every penny and every point is where the history says.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{card, declined, subsets};
use crate::aggregate::{Aggregate, Event};
use crate::booking::Booking;
use crate::booking::quote::{Booker, Offers, RoomsWanted, SeatsWanted, TripRequest, VehicleWanted, quote};
use crate::campaign::{Action, CampaignDetails, CampaignEvent, RewardTerms};
use crate::failure::{Code, Failure};
use crate::id::{BookingId, CampaignId, StreamId};
use crate::member::{Gender, Profile};
use crate::payment::{GatewayOutcome, PaymentEvent};
use crate::points::PointsTerms;
use crate::points_account::{EarnedFor, PointsAccountEvent};
use crate::reward::RewardEvent;
use crate::testing::at;
use crate::testing::samples::{
    NOW, POINTS_HELD, booking, car_id, flight_id, hotel_id, instant, member, trip as plan, voucher_id,
};
use crate::testing::world::World;
use crate::together::Together;
use crate::trip::{PaymentPlan, TripPlan};
use crate::trip_saga::TripSaga;

/// Trips that are asked for.
const TRIPS: usize = 6;
/// Points of one reward, and how many rewards there are.
const REWARD_POINTS: u64 = 1_000;
const BUDGET: u32 = 3;
/// Points for one pound, and percent of it that come back.
const RATE: u32 = 50;
const EARNED_PERCENT: u32 = 80;

#[derive(Debug, Clone)]
enum Act {
    /// The trip is asked for, as it was quoted at the beginning.
    Request(usize),
    Cancel(usize),
    /// So many messages are handled.
    Deliver(usize),
    DeliverAgain(usize),
    Wake,
    Crash,
    /// A reward for a cause, asked for twice.
    Grant(u8),
}

#[derive(Debug, Clone)]
struct Story {
    trips: Vec<([bool; 3], PaymentPlan, bool)>,
    points_left: u64,
    lost_orders: u32,
    gateway: Vec<u8>,
    acts: Vec<Act>,
    choices: Vec<usize>,
}

fn stories() -> impl Strategy<Value = Story> {
    let payments =
        prop::sample::select(vec![card(), card(), PaymentPlan::Points, PaymentPlan::Points, PaymentPlan::None]);
    let trips = (prop::sample::select(subsets().collect::<Vec<_>>()), payments, any::<bool>());
    let act = prop_oneof![
        4 => (0..TRIPS).prop_map(Act::Request),
        2 => (0..TRIPS).prop_map(Act::Cancel),
        6 => (1..20usize).prop_map(Act::Deliver),
        2 => (0..200usize).prop_map(Act::DeliverAgain),
        1 => Just(Act::Wake),
        1 => Just(Act::Crash),
        2 => (0..6u8).prop_map(Act::Grant),
    ];
    (
        prop::collection::vec(trips, TRIPS),
        prop_oneof![0..2_000u64, 0..=POINTS_HELD, Just(POINTS_HELD)],
        0..3u32,
        prop::collection::vec(0..6u8, 0..6),
        prop::collection::vec(act, 1..60),
        prop::collection::vec(0..12usize, 64),
    )
        .prop_map(|(trips, points_left, lost_orders, gateway, acts, choices)| Story {
            trips,
            points_left,
            lost_orders,
            gateway,
            acts,
            choices,
        })
}

fn welcome() -> CampaignId {
    CampaignId::of("own", "welcome")
}

/// A member with so many points, a campaign, and a gateway of that mood.
fn world_of(story: &Story) -> World {
    let mut world = World::new([true; 3]);
    world.leave_points(story.points_left);
    world.lost_orders = story.lost_orders;
    world.gateway.script = story
        .gateway
        .iter()
        .enumerate()
        .map(|(number, mood)| match mood {
            0 => declined(),
            1 => GatewayOutcome::Faulted(Failure::new(Code::Unavailable, "The gateway is away.")),
            _ => GatewayOutcome::Done { reference: format!("ch_{number}") },
        })
        .collect();
    let profile = Profile {
        email: "member@example.com".into(),
        nickname: "pat".into(),
        first_name: "Pat".into(),
        last_name: "Example".into(),
        contact_number: "+44 20 7946 0000".into(),
        gender: Gender::Undisclosed,
    };
    world.ask(&Together::SignUp { identity: "someone".into(), profile, referrer: None }).expect("signed up");
    let details = CampaignDetails {
        supplier: "own".into(),
        code: "welcome".into(),
        name: "Welcome".into(),
        description: "Points for a review".into(),
        action: Action::Review,
        reward: RewardTerms::Point(REWARD_POINTS),
        opens_at: instant(NOW),
        ends_at: None,
        budget: Some(BUDGET),
    };
    world.ask(&Together::ListCampaign(details)).expect("listed");
    world
}

/// The trip as it is quoted before anything has happened; none where the voucher or the points are of no use.
fn quoted(world: &World, (parts, payment, with_voucher): &([bool; 3], PaymentPlan, bool)) -> TripPlan {
    let sample = plan(*parts, payment.clone());
    let wanted = TripRequest {
        hotel: sample.hotel.map(|part| RoomsWanted {
            hotel: part.hotel,
            room_type: part.room_type,
            stay: part.stay,
            rooms: part.rooms,
        }),
        flight: sample.flight.map(|part| SeatsWanted { flight: part.flight, cabin: part.cabin, seats: part.seats }),
        car: sample.car.map(|part| VehicleWanted { car: part.car, rental: part.rental }),
        payment: payment.clone(),
        expected_total: None,
        voucher: with_voucher.then(voucher_id),
    };
    let (hotel, flight, car) = (
        world.aggregate(hotel_id().stream()),
        world.aggregate(flight_id().stream()),
        world.aggregate(car_id().stream()),
    );
    let (Aggregate::Hotel(hotel), Aggregate::Flight(flight), Aggregate::Car(car)) = (&hotel, &flight, &car) else {
        panic!("no supply");
    };
    let voucher = world.voucher();
    let offers = Offers { hotel: Some(hotel), flight: Some(flight), car: Some(car), voucher: Some(&voucher) };
    let terms = PointsTerms::new(RATE, BTreeMap::new(), EARNED_PERCENT).expect("terms");
    quote(&wanted, offers, Booker { member: Some(member()), has_left: false, terms: &terms }, at(NOW)).expect("quoted")
}

fn trip_of(number: usize) -> BookingId {
    booking(1 + number as u128)
}

/// Takes every act, then lets everything come to its end. Returns the plans of the trips that were asked for.
fn told(world: &mut World, story: &Story) -> BTreeMap<BookingId, TripPlan> {
    let plans: Vec<TripPlan> = story.trips.iter().map(|trip| quoted(world, trip)).collect();
    let mut choices = story.choices.iter().cycle();
    let mut choose = |waiting: usize| choices.next().map_or(0, |choice| choice % waiting);
    let mut asked = BTreeMap::new();
    for act in &story.acts {
        match act {
            Act::Request(number) => {
                asked.insert(trip_of(*number), plans[*number].clone());
                world.request_as(trip_of(*number), plans[*number].clone());
            }
            Act::Cancel(number) => world.cancel_trip(trip_of(*number)),
            Act::Deliver(count) => {
                for _ in 0..*count {
                    let waiting = world.outbox.len();
                    if waiting == 0 || !world.deliver(choose(waiting)) {
                        break;
                    }
                }
            }
            Act::DeliverAgain(number) => world.deliver_again(*number),
            Act::Wake => drop(world.wake()),
            Act::Crash => world.crash(),
            Act::Grant(cause) => {
                let grant = Together::GrantReward { member: member(), campaign: welcome(), cause: cause.to_string() };
                let first = world.ask(&grant);
                let written = world.log.len();
                assert_eq!(world.ask(&grant), first, "the same again");
                assert_eq!(world.log.len(), written, "and writes nothing");
            }
        }
    }
    world.run_with(choose);
    asked
}

/// What the history says about one trip.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sums {
    charged: i64,
    refunded: i64,
    redeemed: i64,
    restored: i64,
    discounted: i64,
    returned: i64,
    earned: u64,
    reversed: u64,
    owed: u64,
}

/// What the history says of all trips, and of the account.
#[derive(Debug, Default)]
struct Books {
    trips: BTreeMap<BookingId, Sums>,
    balance: i128,
    rewards: BTreeMap<StreamId, u32>,
    counted: u32,
}

impl Books {
    fn of(world: &World) -> Self {
        let mut books = Self { balance: i128::from(world.points_before()), ..Self::default() };
        for (stream, event) in &world.log {
            match event {
                Event::Payment(event) => books.see_payment(BookingId(stream.uuid), event),
                Event::PointsAccount(event) => books.see_points(event),
                Event::Reward(event) => books.see_reward(*stream, event),
                Event::Campaign(CampaignEvent::RewardCounted { .. }) => books.counted += 1,
                _ => {}
            }
        }
        books
    }

    fn trip(&mut self, booking: BookingId) -> &mut Sums {
        self.trips.entry(booking).or_default()
    }

    fn see_payment(&mut self, booking: BookingId, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. } => {
                self.trip(booking).charged += amount.minor;
            }
            PaymentEvent::PaymentCancelled { refunded, .. } => self.trip(booking).refunded += refunded.minor,
            _ => {}
        }
    }

    fn see_points(&mut self, event: &PointsAccountEvent) {
        match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                self.balance += i128::from(*points);
                match earned_for {
                    EarnedFor::Booking { booking, .. } => self.trip(*booking).earned += points,
                    EarnedFor::Campaign { reward, .. } => {
                        assert_eq!(*points, REWARD_POINTS);
                        assert_eq!(self.rewards.get(&reward.stream()), Some(&1), "with its reward, once");
                        *self.rewards.entry(reward.stream()).or_default() += 1;
                    }
                    EarnedFor::Operator { .. } => {}
                }
            }
            PointsAccountEvent::PointsRedeemed { booking, points, value, .. } => {
                self.balance -= i128::from(points.points);
                self.trip(*booking).redeemed += value.minor;
            }
            PointsAccountEvent::PointsRestored { booking, points, value, .. } => {
                self.balance += i128::from(*points);
                self.trip(*booking).restored += value.minor;
            }
            PointsAccountEvent::PointsReversed { booking, points, owed, .. } => {
                self.balance -= i128::from(*points);
                let trip = self.trip(*booking);
                trip.reversed += points;
                trip.owed = *owed;
            }
            _ => {}
        }
        assert!(self.balance >= 0, "the account is never overdrawn");
    }

    fn see_reward(&mut self, stream: StreamId, event: &RewardEvent) {
        match event {
            RewardEvent::RewardGranted { .. } => *self.rewards.entry(stream).or_default() += 1,
            RewardEvent::VoucherRedeemed { booking, discount, .. } => {
                self.trip(*booking).discounted += discount.minor;
                let holds = self.trips.values().filter(|trip| trip.discounted > trip.returned).count();
                assert_eq!(holds, 1, "one trip at a time has the voucher");
            }
            RewardEvent::VoucherReturned { booking, discount, .. } => self.trip(*booking).returned += discount.minor,
            _ => {}
        }
    }
}

/// An approved trip is paid for to the penny, by whatever means; of a cancelled one nothing is kept, and everything came back once.
fn assert_settled(world: &World, booking: BookingId, plan: &TripPlan, sums: Sums) -> i64 {
    let Aggregate::Booking(state) = world.aggregate(booking.stream()) else { panic!("no booking") };
    let prices = [
        plan.hotel.as_ref().map(|part| part.price.minor),
        plan.flight.as_ref().map(|part| part.price.minor),
        plan.car.as_ref().map(|part| part.price.minor),
    ];
    let quoted: i64 = prices.into_iter().flatten().sum();
    let at_the_counter = if plan.payment == PaymentPlan::None { plan.total.minor } else { 0 };
    match state {
        Booking::Approved { .. } => {
            assert!(matches!(world.saga_of(booking), TripSaga::Succeeded { .. }));
            assert_eq!(sums.charged + at_the_counter + sums.redeemed + sums.discounted, quoted);
            assert_eq!((sums.refunded, sums.restored, sums.returned, sums.reversed, sums.owed), (0, 0, 0, 0, 0));
            assert_eq!(sums.earned, plan.earns.map_or(0, |earns| earns.points));
        }
        Booking::Cancelled { .. } => {
            assert!(matches!(world.saga_of(booking), TripSaga::Compensated { .. }));
            assert_eq!(sums.charged + sums.redeemed, sums.refunded);
            assert_eq!(sums.redeemed, sums.restored);
            assert_eq!(sums.discounted, sums.returned);
            assert_eq!(sums.earned, sums.reversed + sums.owed);
        }
        other => panic!("not ended: {other:?}"),
    }
    sums.charged - if sums.redeemed == 0 { sums.refunded } else { 0 }
}

/// Holds the history of all trips, of the account and of the rewards against what should be.
fn assert_adds_up(world: &World, asked: &BTreeMap<BookingId, TripPlan>) {
    let books = Books::of(world);
    let settled = asked.iter().map(|(booking, plan)| {
        let sums = books.trips.get(booking).copied().unwrap_or_default();
        assert_settled(world, *booking, plan, sums)
    });
    assert_eq!(world.gateway.kept, settled.sum::<i64>());
    assert!(books.trips.keys().all(|booking| asked.contains_key(booking)), "of no other trip");
    assert_eq!(i128::from(world.account().balance()), books.balance);
    let owed: u64 = books.trips.values().map(|trip| trip.owed).sum();
    assert!(owed == 0 || books.balance == 0, "what is owed is taken first");
    let holds = books.trips.values().filter(|trip| trip.discounted > trip.returned).count();
    assert_eq!(world.voucher().is_used(), holds == 1);
    // A reward and its points: each once, and no more of them than the budget has.
    assert!(books.rewards.values().all(|count| *count == 2), "{:?}", books.rewards);
    assert_eq!(books.rewards.len(), books.counted as usize);
    assert!(books.counted <= BUDGET);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_happens_to_several_trips_every_penny_and_every_point_is_accounted_for(story in stories()) {
        let mut world = world_of(&story);
        let asked = told(&mut world, &story);
        assert_adds_up(&world, &asked);
        prop_assert!(world.redelivery_writes_nothing());
        // The process dies, and what was lost comes at last, long after its trip has ended.
        world.lost_orders = 0;
        world.crash();
        world.run();
        assert_adds_up(&world, &asked);
        let (written, account) = (world.log.len(), world.account());
        world.crash();
        prop_assert_eq!(world.account(), account);
        world.run();
        prop_assert_eq!(world.log.len(), written, "all that ever was delivered, once more, changes nothing");
    }
}

/// What must have come up among the stories, or they prove nothing.
#[test]
fn the_stories_meet_what_they_are_told_for() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..300 {
        let story = stories().new_tree(&mut runner).expect("a story").current();
        let mut world = world_of(&story);
        told(&mut world, &story);
        for (_, event) in &world.log {
            let refused = match event {
                Event::PointsAccount(PointsAccountEvent::PointsReversed { owed, .. }) if *owed > 0 => "owed",
                Event::Reward(RewardEvent::VoucherRefused { failure, .. }) if failure.code == Code::VoucherUsed => {
                    "voucher used"
                }
                Event::PointsAccount(PointsAccountEvent::RedemptionRefused { failure, .. })
                    if failure.code == Code::InsufficientFunds =>
                {
                    "too few points"
                }
                event => event.event_type(),
            };
            *met.entry(refused).or_default() += 1;
        }
    }
    let needed = [
        "owed",
        "voucher used",
        "too few points",
        "RoomsRefused",
        "PaymentFailed",
        "PaymentFaulted",
        "PointsRedeemed",
        "PointsRestored",
        "PointsReversed",
        "VoucherReturned",
        "BookingApproved",
        "SagaCompensated",
        "RewardGranted",
        "CampaignClosed",
    ];
    for name in needed {
        assert!(met.get(name).is_some_and(|count| *count > 3), "{name} hardly ever happens: {met:?}");
    }
}
