//! What cannot be taken in is set aside with what follows of its key; the rest goes on (L21).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use sqlx::PgConnection;
use traveladvisor_domain::id::{HotelId, StreamId, StreamKind};
use traveladvisor_infra::event_log::Position;
use traveladvisor_projections::reads::{BookingFilter, Page};
use traveladvisor_projections::runtime::{
    Changes, FoldError, Holds, Meeting, PARKED_EVENTS_MAX, Part, Projection, ProjectionName, ProjectionState,
    Projector, Recorded, Rows, Table, Tail, column,
};

use crate::runtime::{becomes, checkpoint, fill, hangs, reaches};
use crate::support::{House, LIMIT, PLENTY, card, flight_details, hotel_details, room_type};

/// How a fold treats an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Errs,
    Panics,
}

/// Writes down the events of hotels as it takes them in, unless it has something against one.
#[derive(Clone, Default)]
pub(crate) struct Fussy(Arc<Mutex<HashMap<Position, Mood>>>);

static TOLD: Table = Table {
    name: "told",
    columns: &[column("hotel", Holds::Uuid), column("position", Holds::Int)],
    meeting: Meeting::Never,
};

impl Fussy {
    pub(crate) fn has_against(&self, position: Position, mood: Mood) {
        self.0.lock().expect("whole").insert(position, mood);
    }

    pub(crate) fn is_mended(&self) {
        self.0.lock().expect("whole").clear();
    }
}

impl Projection for Fussy {
    const NAME: &'static str = "fussy";
    const VERSION: u32 = 1;
    const STREAMS: &'static [StreamKind] = &[StreamKind::Hotel];
    const TABLES: &'static [&'static Table] = &[&TOLD];
    type Batch = Vec<(HotelId, i64)>;

    fn key(recorded: &Recorded) -> Option<StreamId> {
        Some(recorded.stream)
    }

    async fn load(&self, _: &BTreeSet<StreamId>, _: &mut Self::Batch, _: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn holds(_: &Self::Batch, _: StreamId) -> bool {
        true
    }

    fn fold(&self, batch: &mut Self::Batch, recorded: &Recorded) -> Result<(), FoldError> {
        let mood = self.0.lock().expect("whole").get(&recorded.position).copied();
        // What it leaves behind must not be kept.
        batch.push((HotelId(recorded.stream.uuid), recorded.position.0.cast_signed()));
        match mood {
            None => Ok(()),
            Some(Mood::Errs) => Err(FoldError::new("not to its taste")),
            Some(Mood::Panics) => panic!("as ordered, by ada@example.org"),
        }
    }

    fn flush(&self, batch: &mut Self::Batch, _: Part, changes: &mut Changes) {
        let mut told = Rows::new(&TOLD);
        for (hotel, position) in batch.drain(..) {
            told.row().uuid(hotel.0).int(position);
        }
        changes.write(told);
    }

    fn bytes(_: &Self::Batch) -> usize {
        0
    }
}

pub(crate) async fn fussy_house() -> House {
    let house = House::new().await;
    run(&house, "CREATE TABLE told (nth bigserial, hotel uuid, position bigint)").await;
    house
}

pub(crate) async fn run(house: &House, sql: &str) {
    sqlx::raw_sql(sql).execute(&house.database.pool).await.expect(sql);
}

pub(crate) fn start(house: &House, fussy: &Fussy) -> Projector {
    Projector::start(fussy.clone(), Tail::new(house.log.clone()))
}

/// The positions that were taken in, of one hotel or of all, in the order in which that was done.
pub(crate) async fn told(house: &House, hotel: Option<u32>) -> Vec<i64> {
    sqlx::query_scalar("SELECT position FROM told WHERE $1 IS NULL OR hotel = $1 ORDER BY nth")
        .bind(hotel.map(|number| inn(number).0))
        .fetch_all(&house.database.pool)
        .await
        .expect("the database answers")
}

/// Position, key and reason of what is set aside.
pub(crate) async fn letters(house: &House, name: &str) -> Vec<(i64, String, Option<String>)> {
    sqlx::query_as("SELECT position, key, reason FROM projection_dead_letters WHERE name = $1 ORDER BY position")
        .bind(name)
        .fetch_all(&house.database.pool)
        .await
        .expect("the database answers")
}

/// The hotel that [`fill`] lists under a number.
pub(crate) fn inn(number: u32) -> HotelId {
    HotelId::of("own", &number.to_string())
}

/// One more event of a hotel; its position.
pub(crate) async fn change(house: &mut House, number: u32) -> Position {
    let rooms = u32::try_from(house.last.0).expect("few") + 2;
    house.list_hotel(hotel_details(&number.to_string(), "Inn", "London", vec![room_type("DBL", rooms, 100)])).await;
    house.last
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be absent")]
fn reason(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_holds_back_what_follows_of_its_key_and_nothing_else() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    fill(&mut house, 0..3).await;
    fussy.has_against(Position(4), Mood::Errs);
    change(&mut house, 1).await;
    change(&mut house, 2).await;
    change(&mut house, 1).await;
    let projector = start(&house, &fussy);
    reaches(&projector, house.last).await;
    change(&mut house, 1).await;
    change(&mut house, 0).await;
    reaches(&projector, house.last).await;
    becomes(|| projector.status(), ProjectionState::Live).await;
    assert_eq!(told(&house, None).await, [1, 2, 3, 5, 8], "what it took in before, and the others");
    let key = inn(1).to_string();
    let waiting = [(4, key.clone(), reason("not to its taste")), (6, key.clone(), None), (7, key.clone(), None)];
    assert_eq!(letters(&house, "fussy").await, waiting);
    // Who goes on after it knows what waits.
    projector.stop().await;
    let next = start(&house, &fussy);
    change(&mut house, 1).await;
    change(&mut house, 2).await;
    reaches(&next, house.last).await;
    assert_eq!(told(&house, None).await, [1, 2, 3, 5, 8, 10]);
    assert_eq!(letters(&house, "fussy").await[3], (9, key, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_panics_costs_its_event_and_leaves_no_trace_in_the_others() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    fill(&mut house, 0..6).await;
    fussy.has_against(Position(2), Mood::Panics);
    fussy.has_against(Position(4), Mood::Errs);
    fussy.has_against(Position(5), Mood::Panics);
    let projector = start(&house, &fussy);
    reaches(&projector, house.last).await;
    assert_eq!(told(&house, None).await, [1, 3, 6]);
    let panicked = || reason("a defect: taking it in panicked");
    let reasons: Vec<_> = letters(&house, "fussy").await.into_iter().map(|letter| (letter.0, letter.2)).collect();
    assert_eq!(reasons, [(2, panicked()), (4, reason("not to its taste")), (5, panicked())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_found_among_the_others_and_set_aside() {
    let mut house = fussy_house().await;
    run(&house, "ALTER TABLE told ADD CHECK (position <> 5)").await;
    fill(&mut house, 0..8).await;
    change(&mut house, 4).await;
    let projector = start(&house, &Fussy::default());
    reaches(&projector, house.last).await;
    assert_eq!(told(&house, None).await, [1, 2, 3, 4, 6, 7, 8]);
    let key = inn(4).to_string();
    let refused = reason("the database refuses what it makes: SQLSTATE 23514");
    assert_eq!(letters(&house, "fussy").await, [(5, key.clone(), refused), (9, key, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_costs_those_who_need_it_one_key_and_nobody_else_anything() {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let (projectors, reads) = house.read().await;
    let guilty = plan.hotel.as_ref().expect("a hotel").hotel.stream();
    let payload = r#"{"RoomsDanced":{"who":"ada@example.org"}}"#.to_owned();
    let at = house.append_raw(guilty, "RoomsDanced", payload).await;
    let trip = house.request(1, "ada", "ada@example.org", plan).await;
    house.list_flight(flight_details("G", "2024-12-25T01:00:00Z", &[("ECONOMY", 1, 1)])).await;
    for name in ProjectionName::ALL {
        reads.wait_for(name, house.last, LIMIT).await.expect("all go on");
    }
    assert!(reads.booking(trip).await.expect("read").is_some(), "a hotel's event that names no trip holds none back");
    assert_eq!(reads.bookings(&BookingFilter::default(), &Page::default()).await.expect("read").items.len(), 1);
    for name in ["booking", "hotel_availability"] {
        let set_aside = letters(&house, name).await;
        let [(position, key, Some(reason))] = &set_aside[..] else { panic!("{name}: {set_aside:?}") };
        assert_eq!((*position, key), (at.0.cast_signed(), &guilty.to_string()));
        assert!(reason.contains(&at.to_string()) && !reason.contains("ada@"), "{reason}");
    }
    for name in ["flight_availability", "car_availability"] {
        assert_eq!(letters(&house, name).await, []);
    }
    projectors.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_setting_aside_and_commit_loses_and_repeats_nothing() {
    let mut house = fussy_house().await;
    let once = "CREATE SEQUENCE flushes; \
         CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN IF nextval('flushes') = 1 THEN PERFORM pg_sleep(600); END IF; RETURN NULL; END $$; \
         CREATE TRIGGER hangs AFTER INSERT ON projection_dead_letters FOR EACH STATEMENT EXECUTE FUNCTION hang()";
    run(&house, once).await;
    let fussy = Fussy::default();
    fussy.has_against(Position(2), Mood::Errs);
    fill(&mut house, 0..3).await;
    change(&mut house, 1).await;
    let killed = start(&house, &fussy);
    hangs(&house).await;
    killed.abort().await;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE wait_event = 'PgSleep' AND datname = current_database()";
    run(&house, ended).await;
    let next = start(&house, &fussy);
    change(&mut house, 1).await;
    reaches(&next, house.last).await;
    assert_eq!(told(&house, None).await, [1, 3]);
    let positions: Vec<i64> = letters(&house, "fussy").await.into_iter().map(|letter| letter.0).collect();
    assert_eq!(positions, [2, 4, 5]);
}

/// As many waiting events of another hotel as leave this much room.
pub(crate) async fn leave_room(house: &House, room: usize) {
    let sql = format!(
        "INSERT INTO projection_dead_letters (name, generation, position, key) \
         SELECT 'fussy', 1, -n, '{}' FROM generate_series(1, {}) n",
        inn(99),
        PARKED_EVENTS_MAX - room
    );
    run(house, &sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_the_projection_pauses_and_says_what_to_do() {
    let mut house = fussy_house().await;
    let fussy = Fussy::default();
    leave_room(&house, 1).await;
    fussy.has_against(Position(2), Mood::Errs);
    fill(&mut house, 0..4).await;
    let fifth = change(&mut house, 1).await;
    let projector = start(&house, &fussy);
    let status = becomes(|| projector.status(), ProjectionState::Paused).await;
    assert_eq!(status.position, Position(fifth.0 - 1), "all before it was taken in or set aside");
    let why = status.reason.expect("a reason");
    assert!(why.contains("projections retry fussy"), "{why}");
    assert_eq!(checkpoint(&house, "fussy").await, (4, 1, Some(why)), "other processes can read it");
    assert_eq!(told(&house, None).await, [1, 3, 4]);
    // Room is made, as by a retry, which raises the epoch.
    run(&house, "DELETE FROM projection_dead_letters WHERE position < 0").await;
    run(&house, "UPDATE projection_checkpoints SET epoch = epoch + 1").await;
    becomes(|| projector.status(), ProjectionState::Deposed).await;
    let next = start(&house, &fussy);
    reaches(&next, house.last).await;
    assert_eq!(letters(&house, "fussy").await.len(), 2);
}
