//! Random histories against those read models that add up: money, points, what is sold, and where each traveller's trips stand.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::car::CarEvent;
use traveladvisor_domain::flight::FlightEvent;
use traveladvisor_domain::hotel::HotelEvent;
use traveladvisor_domain::id::{BookingId, MemberId, RewardId};
use traveladvisor_domain::money::Money;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::points_account::PointsAccountEvent;
use traveladvisor_domain::reward::RewardEvent;
use traveladvisor_domain::trip::{CarPart, FlightPart, HotelPart};
use traveladvisor_infra::event_log::Position;
use traveladvisor_infra::testing::chaos;
use traveladvisor_projections::reads::{Page, Reads, TravellerTrips, VoucherFilter};
use traveladvisor_projections::views::{LedgerBalance, OccupancyView};
use uuid::Uuid;

use crate::occupancy::period;
use crate::rebuild::{rebuild_all, rows};
use crate::support::House;
use crate::support::random::{Dice, EMAILS, History, history};

/// Histories of a short run.
const HISTORIES: u64 = 4;
/// Trips of each.
const TRIPS: u64 = 12;
/// More than a history needs.
const ROOMY: usize = 64 << 20;
/// So little that rows leave the memory all the time.
const CRAMPED: usize = 1;

/// What the log says in the end, gathered by trips and not by days.
#[derive(Default)]
struct Told {
    hotels: BTreeMap<BookingId, HotelPart>,
    flights: BTreeMap<BookingId, FlightPart>,
    cars: BTreeMap<BookingId, CarPart>,
    /// Taken and given back.
    money: BTreeMap<(BookingId, String), (i64, i64)>,
    /// Paid with points and come back, by what they were worth.
    redeemed: BTreeMap<(BookingId, String), (i64, i64)>,
    /// What came to each account, and went.
    points: BTreeMap<MemberId, Vec<i64>>,
    /// Which trip uses each voucher.
    vouchers: BTreeMap<RewardId, Option<BookingId>>,
}

impl Told {
    async fn by(house: &House) -> Self {
        let mut told = Self::default();
        let mut after = Position::START;
        loop {
            let page = house.log.read_after(after, 1_000).await.expect("the log answers");
            let Some(last) = page.last() else { return told };
            after = last.position;
            for stored in &page {
                for event in &stored.decode().expect("readable") {
                    told.take(BookingId(stored.stream.uuid), event);
                    told.take_points(stored.stream.uuid, event);
                }
            }
        }
    }

    fn take(&mut self, payer: BookingId, event: &Event) {
        match event {
            Event::Hotel(HotelEvent::RoomsReserved { booking, part, .. }) => {
                self.hotels.insert(*booking, part.clone());
            }
            Event::Hotel(HotelEvent::RoomsReleased { booking, .. }) => _ = self.hotels.remove(booking),
            Event::Flight(FlightEvent::SeatsReserved { booking, part, .. }) => {
                self.flights.insert(*booking, part.clone());
            }
            Event::Flight(FlightEvent::SeatsReleased { booking, .. }) => _ = self.flights.remove(booking),
            Event::Car(CarEvent::VehicleReserved { booking, part, .. }) => _ = self.cars.insert(*booking, part.clone()),
            Event::Car(CarEvent::VehicleReleased { booking, .. }) => _ = self.cars.remove(booking),
            Event::Payment(PaymentEvent::PaymentCompleted { amount, charge: Some(_), .. }) => {
                self.money.entry((payer, amount.currency.to_string())).or_default().0 += amount.minor;
            }
            Event::Payment(PaymentEvent::PaymentCancelled { refunded, .. }) if refunded.minor > 0 => {
                if let Some(moved) = self.money.get_mut(&(payer, refunded.currency.to_string())) {
                    moved.1 += refunded.minor;
                }
            }
            _ => {}
        }
    }

    fn take_points(&mut self, stream: Uuid, event: &Event) {
        match event {
            Event::PointsAccount(event) => self.take_account(MemberId(stream), event),
            Event::Reward(RewardEvent::RewardGranted { .. } | RewardEvent::VoucherReturned { .. }) => {
                self.vouchers.insert(RewardId(stream), None);
            }
            Event::Reward(RewardEvent::VoucherRedeemed { booking, .. }) => {
                self.vouchers.insert(RewardId(stream), Some(*booking));
            }
            _ => {}
        }
    }

    fn take_account(&mut self, member: MemberId, event: &PointsAccountEvent) {
        let worth = |booking: &BookingId, value: &Money| (*booking, value.currency.to_string());
        let moved = match event {
            PointsAccountEvent::PointsEarned { points, .. } => points.cast_signed(),
            PointsAccountEvent::PointsRedeemed { booking, points, value, .. } => {
                self.redeemed.entry(worth(booking, value)).or_default().0 += value.minor;
                -points.points.cast_signed()
            }
            PointsAccountEvent::PointsRestored { booking, points, value, .. } => {
                self.redeemed.entry(worth(booking, value)).or_default().1 += value.minor;
                points.cast_signed()
            }
            PointsAccountEvent::PointsReversed { points, .. } => -points.cast_signed(),
            PointsAccountEvent::AccountClosed { expired, .. } => -expired.cast_signed(),
            _ => 0,
        };
        if moved != 0 {
            self.points.entry(member).or_default().push(moved);
        }
    }
}

/// What days bring in all, by currency.
fn earned(days: &[OccupancyView]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for amount in days.iter().flat_map(OccupancyView::revenue) {
        *sums.entry(amount.currency.to_string()).or_default() += amount.minor;
    }
    sums
}

async fn assert_money(reads: &Reads, told: &Told, trips: &[BookingId], seed: u64) {
    let balances = reads.ledger_balances().await.expect("readable");
    assert!(balances.iter().all(LedgerBalance::is_even), "history {seed}: {balances:?}");
    let (mut ledger, mut redeemed) = (BTreeMap::new(), BTreeMap::new());
    for trip in trips {
        for entry in reads.payment_ledger(*trip).await.expect("readable") {
            let key = (*trip, entry.charged.currency.to_string());
            if entry.redeemed.minor > 0 {
                assert_eq!((entry.charged.minor, entry.refunded.minor), (0, 0), "history {seed}: no money moved");
                redeemed.insert(key, (entry.redeemed.minor, entry.restored.minor));
            } else {
                ledger.insert(key, (entry.charged.minor, entry.refunded.minor));
            }
        }
    }
    assert_eq!((ledger, redeemed), (told.money.clone(), told.redeemed.clone()), "history {seed}");
    let taken: i64 = balances.iter().map(|balance| balance.charged).sum();
    assert_eq!(taken, told.money.values().map(|(charged, _)| charged).sum::<i64>(), "history {seed}");
}

async fn assert_sold(reads: &Reads, told: &Told, history: &History, seed: u64) {
    let whole = period("2024-12-20", "2025-01-05");
    let inn = history.plan.hotel.as_ref().expect("a hotel").hotel;
    for hotel in [inn, history.abroad] {
        let nights = reads.hotel_occupancy(hotel, whole).await.expect("readable").expect("known");
        let held: Vec<&HotelPart> = told.hotels.values().filter(|part| part.hotel == hotel).collect();
        for night in &nights {
            let sold = |part: &&&HotelPart| (part.stay.check_in()..part.stay.check_out()).contains(&night.day);
            let rooms: u32 = held.iter().filter(sold).map(|part| part.rooms).sum();
            assert_eq!(night.units[0].sold, u64::from(rooms), "history {seed}, {}", night.day);
            assert_eq!(night.units[0].left, night.units[0].on_sale.saturating_sub(u64::from(rooms)));
        }
        let mut prices = BTreeMap::new();
        for part in held {
            *prices.entry(part.price.currency.to_string()).or_default() += part.price.minor;
        }
        assert_eq!(earned(&nights), prices, "history {seed}");
    }
    let flight = history.plan.flight.as_ref().expect("a flight").flight;
    let shown = reads.flight_occupancy(flight).await.expect("readable").expect("known");
    assert_eq!(shown.units[0].sold, told.flights.values().map(|part| u64::from(part.seats)).sum::<u64>());
    assert_eq!(earned(&[shown]).values().sum::<i64>(), told.flights.values().map(|part| part.price.minor).sum::<i64>());
    let car = history.plan.car.as_ref().expect("a car").car;
    let days = reads.car_occupancy(car, whole).await.expect("readable").expect("known");
    assert_eq!(earned(&days).values().sum::<i64>(), told.cars.values().map(|part| part.price.minor).sum::<i64>());
    let is_out =
        |day: NaiveDate| (24..27).contains(&chrono::Datelike::day(&day)) && chrono::Datelike::month(&day) == 12;
    for day in &days {
        let out = if is_out(day.day) { told.cars.len() as u64 } else { 0 };
        assert_eq!(day.units[0].sold, out, "history {seed}, {}", day.day);
    }
}

/// The history of each account line by line, and which trip uses which voucher.
async fn assert_points(reads: &Reads, told: &Told, history: &History, seed: u64) {
    assert_eq!(reads.points_that_do_not_add_up().await.expect("readable"), [], "history {seed}");
    for member in &history.members {
        let lines = crate::points::history(reads, *member).await;
        let points: Vec<i64> = lines.iter().map(|line| line.points).collect();
        assert_eq!(Some(&points), told.points.get(member), "history {seed}");
        let account = reads.points_account(*member).await.expect("readable").expect("known");
        assert_eq!(account.balance.cast_signed(), points.iter().sum::<i64>(), "history {seed}");
        let rewards = reads.vouchers(&VoucherFilter::of(*member), &Page::first(100)).await.expect("readable");
        for (_, reward) in rewards.items {
            assert_eq!(Some(&reward.used_by), told.vouchers.get(&reward.id), "history {seed}: {}", reward.id);
        }
    }
}

async fn assert_listed(reads: &Reads, trips: &[BookingId], seed: u64) {
    let mut listed = Vec::new();
    for email in EMAILS {
        let page = Page::first(100);
        let slice =
            reads.traveller_bookings(&TravellerTrips::of(&email.to_uppercase()), &page).await.expect("readable");
        let list: Vec<_> = slice.items.into_iter().map(|(_, trip)| trip).collect();
        assert!(list.is_sorted_by(|newer, older| newer.created_at >= older.created_at), "history {seed}");
        listed.extend(list);
    }
    assert_eq!(listed.len(), trips.len(), "history {seed}: each trip once");
    for trip in listed {
        let itself = reads.booking(trip.booking).await.expect("readable").expect("known");
        let (shown, known) = ((trip.status, trip.saga_status), (itself.status, itself.saga_status));
        assert_eq!(shown, known, "history {seed}: {}", trip.booking);
        assert_eq!((trip.created_at, trip.total), (itself.created_at, itself.total));
    }
}

/// Refunds, redemptions that came back, and vouchers in use.
async fn hold(seed: u64) -> [usize; 3] {
    let mut house = House::new().await;
    let (projectors, reads) = house.read().await;
    let history = history(&mut house, &mut Dice::new(seed), TRIPS).await;
    house.catch_up(&reads).await;
    let told = Told::by(&house).await;
    assert_money(&reads, &told, &history.trips, seed).await;
    assert_sold(&reads, &told, &history, seed).await;
    assert_points(&reads, &told, &history, seed).await;
    assert_listed(&reads, &history.trips, seed).await;
    projectors.stop().await;
    let live = rows(&house.database.pool, "public").await;
    for bytes_max in [ROOMY, CRAMPED] {
        rebuild_all(&house.log, bytes_max).await;
        assert_eq!(rows(&house.database.pool, "public").await, live, "history {seed}, with {bytes_max} bytes");
    }
    let came_back = |moved: &BTreeMap<_, (i64, i64)>| moved.values().filter(|(_, back)| *back > 0).count();
    [came_back(&told.money), came_back(&told.redeemed), told.vouchers.values().flatten().count()]
}

#[tokio::test(flavor = "multi_thread")]
async fn money_points_what_is_sold_and_where_trips_stand_add_up_to_what_the_log_says() {
    let mut seen = [0; 3];
    for seed in 1..=HISTORIES * u64::from(chaos()) {
        let more = hold(seed).await;
        seen = std::array::from_fn(|place| seen[place] + more[place]);
    }
    assert!(seen.iter().all(|seen| *seen > 0), "refunds, points that came back, vouchers: {seen:?} prove little");
}
