//! Histories that nobody thought of: trips, faults, cancellations and operators at random, the same for the same seed.

use traveladvisor_domain::aggregate::{Aggregate, Command, Event};
use traveladvisor_domain::booking::BookingCommand;
use traveladvisor_domain::campaign::{Action, RewardTerms};
use traveladvisor_domain::failure::{Code, Failure};
use traveladvisor_domain::hotel::{HotelCommand, HotelDetails};
use traveladvisor_domain::id::{BookingId, CampaignId, HotelId, MemberId, StreamId};
use traveladvisor_domain::message::{Direction, messages};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_domain::trip::{HotelPart, PaymentPlan, Step, TripPlan};
use traveladvisor_domain::trip_saga::TripSagaCommand;
use traveladvisor_domain::trip_saga::attention::{OperatorDecision, Resolution};

use super::members::{TENTH, campaign, reward_for};
use super::{House, PLENTY, Supply, card, date, gbp, hotel_details, room_type, stay};

/// Travellers of a history.
pub(crate) const EMAILS: [&str; 3] = ["ada@example.org", "Bob@Example.org", "c%@example.org"];
/// Rounds after which every trip has come to its end, or there is a defect.
const ROUNDS_MAX: u32 = 2_000;

/// Numbers by chance (Knuth's MMIX generator).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T>(&mut self, from: impl IntoIterator<Item = T>) -> T {
        let mut from: Vec<T> = from.into_iter().collect();
        let place = usize::try_from(self.roll(from.len() as u64)).expect("a place");
        from.swap_remove(place)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// What a history was about.
pub(crate) struct History {
    pub(crate) trips: Vec<BookingId>,
    /// The plan of all three parts: where they are.
    pub(crate) plan: TripPlan,
    /// Who has signed up. The first of them may have left.
    pub(crate) members: Vec<MemberId>,
    /// Another hotel, which sells in another currency from the middle of the history on.
    pub(crate) abroad: HotelId,
}

/// So many trips from the first request to the last answer.
pub(crate) async fn history(house: &mut House, dice: &mut Dice, count: u64) -> History {
    let supply = Supply {
        rooms: u32::try_from(dice.roll(6)).expect("few"),
        seats: u32::try_from(1 + dice.roll(6)).expect("few"),
        vehicles: u32::try_from(dice.roll(4)).expect("few"),
    };
    let plan = house.offer(if dice.chance(30) { PLENTY } else { supply }, card()).await;
    let abroad = house.list_hotel(inn_abroad(Money::new(3_333, Currency::GBP))).await;
    let members = sign_up(house).await;
    let vouchers = [reward_for(CampaignId::of("own", "REFERRAL"), members[1])];
    let mut trips = Vec::new();
    for number in 0..count {
        if number == count / 2 {
            house.list_hotel(inn_abroad(Money::new(4_000, euro()))).await;
        }
        trouble(house, dice);
        let mut asked = trip(dice, &plan, abroad);
        if dice.chance(70) {
            asked.payment = card();
        }
        let member = dice.pick(members.clone());
        if dice.chance(50) {
            if dice.chance(50) {
                asked.payment = PaymentPlan::Points;
            }
            asked = house.booked_by(&asked, member, dice.chance(70).then_some(vouchers[0]));
        }
        let id = house.request(u128::from(number) + 1, "ada", dice.pick(EMAILS), asked).await;
        if dice.chance(15) {
            house.give_points(member, 1 + dice.roll(60_000)).await;
        }
        trips.push(id);
        change_allotment(house, dice, &plan).await;
        for _ in 0..dice.roll(25) {
            house.deliver_one().await;
        }
        if dice.chance(40) {
            let command = BookingCommand::Cancel { reason: None, at: house.now };
            house.told(dice.pick(trips.clone()).stream(), Command::Booking(command)).await;
        }
    }
    if dice.chance(50) {
        house.close(members[0]).await;
    }
    finish(house, dice, &trips).await;
    History { trips, plan, members, abroad }
}

/// Three members, the second referred by the first. Their points are enough for two trips or three.
async fn sign_up(house: &mut House) -> Vec<MemberId> {
    house.list_campaign(campaign("WELCOME", Action::Signup, RewardTerms::Point(150_000))).await;
    house.list_campaign(campaign("REFERRAL", Action::Referral, RewardTerms::Voucher(TENTH))).await;
    let mut members = Vec::new();
    for (place, identity) in ["one", "two", "three"].into_iter().enumerate() {
        let referrer = (place == 1).then(|| members[0]);
        members.push(house.sign_up(identity, &format!("{identity}@example.org"), referrer).await);
    }
    members
}

fn euro() -> Currency {
    "EUR".parse().expect("a currency")
}

fn inn_abroad(nightly: Money) -> HotelDetails {
    let mut details = hotel_details("A", "Inn abroad", "Dublin", vec![room_type("TWN", 3, nightly.minor)]);
    details.room_types[0].nightly_price = nightly;
    details
}

/// Some of the parts, or a stay abroad, which is quoted at yesterday's price now and then.
fn trip(dice: &mut Dice, plan: &TripPlan, abroad: HotelId) -> TripPlan {
    let mut trip = TripPlan { payment: PaymentPlan::None, ..plan.clone() };
    if dice.chance(30) {
        let price = dice.pick([Money::new(2 * 3_333, Currency::GBP), Money::new(2 * 4_000, euro())]);
        let stay = stay("2024-12-25", "2024-12-27");
        trip.hotel = Some(HotelPart { hotel: abroad, room_type: "TWN".into(), stay, rooms: 1, price });
        (trip.flight, trip.car, trip.total) = (None, None, price);
        return trip;
    }
    if dice.chance(25) {
        trip.hotel = None;
    }
    if dice.chance(25) {
        trip.car = None;
    }
    let parts = [
        trip.hotel.as_ref().map(|part| part.price.minor),
        trip.flight.as_ref().map(|part| part.price.minor),
        trip.car.as_ref().map(|part| part.price.minor),
    ];
    trip.total = gbp(parts.into_iter().flatten().sum());
    trip
}

fn trouble(house: &mut House, dice: &mut Dice) {
    if dice.chance(30) {
        let failure = Failure::new(Code::Unavailable, "The gateway did not answer.");
        let refused = Failure::new(Code::PaymentDeclined, "The card was declined: use another one.");
        let outcome = if dice.chance(50) { GatewayOutcome::Faulted(failure) } else { GatewayOutcome::Refused(refused) };
        house.gateway.push_back(outcome);
    }
    if dice.chance(15) {
        house.silent = u32::try_from(1 + dice.roll(4)).expect("few");
    }
    if dice.chance(30) {
        let step = dice.pick([Step::Hotel, Step::Flight, Step::Car, Step::Payment]);
        let direction = dice.pick([Direction::Request, Direction::Undo]);
        let times = u32::try_from(1 + dice.roll(7)).expect("few");
        house.faults.insert((step, direction), times);
    }
}

async fn change_allotment(house: &mut House, dice: &mut Dice, plan: &TripPlan) {
    let Some(hotel) = plan.hotel.as_ref().filter(|_| dice.chance(20)) else { return };
    let rooms = dice.chance(60).then_some(u32::try_from(dice.roll(5)).expect("few"));
    let stop_sell = (rooms.is_none() || dice.chance(30)).then_some(dice.chance(30));
    let command = HotelCommand::ChangeAllotment {
        room_type: hotel.room_type.clone(),
        from: date("2024-12-24"),
        to: date(dice.pick(["2024-12-25", "2024-12-26", "2024-12-30"])),
        rooms,
        stop_sell,
        occasion: house.occasion(),
    };
    house.told(hotel.hotel.stream(), Command::Hotel(command)).await;
}

/// Delivers, wakes and lets an operator decide until nothing waits any more.
async fn finish(house: &mut House, dice: &mut Dice, trips: &[BookingId]) {
    for _ in 0..ROUNDS_MAX {
        house.deliver_all().await;
        let waiting: Vec<BookingId> = trips.iter().copied().filter(|trip| house.waits(*trip).is_some()).collect();
        let Some(trip) = waiting.first().copied() else { return };
        if house.waits(trip) == Some(true) && dice.chance(30) {
            let reference = "ch_seen".to_owned();
            let resolution = dice.pick([
                Resolution::Retry,
                Resolution::MarkDone { reference },
                Resolution::MarkUndone,
                Resolution::GiveUp,
            ]);
            let (actor, reason) = ("cli:ada".to_owned(), "seen in the gateway's own records".to_owned());
            let decision = OperatorDecision { resolution, fingerprint: None, actor, reason };
            let command = TripSagaCommand::Resolve { decision, occasion: house.occasion() };
            house.told(trip.saga(), Command::TripSaga(command)).await;
        } else {
            house.wake(trip).await;
        }
    }
    panic!("trips do not come to their end");
}

impl House {
    /// A command decided, if it is accepted.
    async fn told(&mut self, stream: StreamId, command: Command) -> Vec<Event> {
        let state = self.states.entry(stream).or_insert_with(|| (Aggregate::empty(stream.kind), 0));
        let Ok(events) = state.0.decide(command) else { return Vec::new() };
        for event in &events {
            self.append(stream, event).await;
            self.inbox.extend(messages(stream, event));
        }
        events
    }

    /// Whether the saga of a trip waits to be woken, and if so, whether for an operator as well.
    fn waits(&self, trip: BookingId) -> Option<bool> {
        match self.states.get(&trip.saga()) {
            Some((Aggregate::TripSaga(saga), _)) => saga.wake_up_at().map(|_| saga.attention().is_some()),
            _ => None,
        }
    }
}
