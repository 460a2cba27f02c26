//! Who waits for whom, and what is seen of it.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use traveladvisor_domain::id::BookingId;
use traveladvisor_infra::event_log::{GatheredLog, Position};
use traveladvisor_projections::gather::{
    Gathered, ReachError, STATE_AWAY, STATE_HELD, STATE_LIVE, STATE_UNOWNED, gather_reports,
};

use super::{LOGS, Logs};
use crate::support::{House, LIMIT, PLENTY, card};

/// Longer than what is asked for takes to come, short enough to wait for in vain.
const SHORT: Duration = Duration::from_millis(100);

/// A trip that was booked, and the logs that tell of it; none has told yet.
async fn booked() -> (Logs, BookingId) {
    let mut house = House::new().await;
    let plan = house.offer(PLENTY, card()).await;
    let trip = house.request(1, "ada", "ada@example.org", plan).await;
    house.deliver_all().await;
    (Logs::of(house).await, trip)
}

/// Nobody can read a log until this ends.
async fn silence(logs: &Logs, log: &str) -> PgConnection {
    let mut connection = PgConnection::connect_with(&logs.house.database.options).await.expect("a connection");
    let sql = format!("BEGIN; LOCK TABLE {log}.events IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(&sql).execute(&mut connection).await.expect("locked");
    connection
}

async fn becomes(logs: &Logs, log: &str, state: &str) -> GatheredLog {
    let waiting = async {
        loop {
            let known = logs.read.gathered().await.expect("read");
            if let Some(found) = known.into_iter().find(|known| known.log == log && known.told.state == state) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("{log} is never {state}"))
}

const IN_READ_LOG: &str = "SELECT count(*) FROM reading.events WHERE aggregate_type =";

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_delays_its_own_events_and_says_so() {
    let (mut logs, _) = booked().await;
    logs.tell_all().await;
    let gatherer = logs.gatherer();
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    let silent = silence(&logs, "hotel").await;
    let plan = logs.house.offer(PLENTY, card()).await;
    logs.house.request(2, "ada", "ada@example.org", plan).await;
    logs.house.deliver_all().await;
    for log in ["booking", "flight", "car", "payment"] {
        logs.tell(log, 1_000).await;
    }
    logs.until(
        &format!("{IN_READ_LOG} 'trip_saga'"),
        logs.number("SELECT count(*) FROM booking.events WHERE aggregate_type = 'trip_saga'").await,
    )
    .await;
    logs.until(&format!("{IN_READ_LOG} 'flight'"), logs.count("flight").await).await;
    let away = becomes(&logs, "hotel", STATE_AWAY).await;
    assert!(away.told.reason.as_deref().is_some_and(|reason| reason.contains("no answer")), "{away:?}");
    becomes(&logs, "flight", STATE_LIVE).await;
    silent.close().await.expect("let go");
    logs.tell("hotel", 1_000).await;
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    let back = becomes(&logs, "hotel", STATE_LIVE).await;
    assert_eq!(back.told.reason, None);
    gatherer.stop().await;
    logs.assert_gathered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_tell_of_a_trip_waits_until_it_has_begun_and_says_for_what() {
    let (mut logs, trip) = booked().await;
    let silent = silence(&logs, "booking").await;
    logs.tell("hotel", 1_000).await;
    let gatherer = logs.gatherer();
    let held = becomes(&logs, "hotel", STATE_HELD).await;
    assert!(held.told.reason.as_deref().is_some_and(|reason| reason.contains(&trip.to_string())), "{held:?}");
    assert_eq!(held.told.lag_events.cast_signed(), logs.count("hotel").await - logs.count("reading").await);
    let told = gather_reports(&logs.read).await.expect("the database answers");
    let hotel = told.into_iter().find(|report| report.log == "hotel").expect("it is among them");
    assert_eq!((hotel.state.as_str(), hotel.reason, hotel.position), (STATE_HELD, held.told.reason, held.position));
    let lag = gatherer.gathered().lags().into_iter().find(|(log, _)| log == "hotel");
    assert_eq!(lag, Some(("hotel".to_owned(), held.told.lag_events)));
    assert!(logs.count("reading").await > 0, "what is not about the trip is there");
    let is_there = "SELECT count(*) FROM reading.events WHERE event_type = 'RoomsReserved'";
    assert_eq!(logs.number(is_there).await, 0);
    silent.close().await.expect("let go");
    logs.tell_all().await;
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    gatherer.stop().await;
    logs.assert_gathered().await;
    let told = gather_reports(&logs.read).await.expect("the database answers");
    assert!(told.len() == LOGS.len() && told.iter().all(|report| report.state == STATE_UNOWNED), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_a_trip_that_never_begins_holds_nobody_up() {
    let (mut logs, _) = booked().await;
    let gatherer = logs.gatherer();
    logs.tell("hotel", 1_000).await;
    logs.until(&format!("{IN_READ_LOG} 'hotel'"), logs.count("hotel").await).await;
    gatherer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_written_to_a_log_learns_where_that_stands_in_the_read_log() {
    let (mut logs, _) = booked().await;
    let gatherer = logs.gatherer();
    let elsewhere = Gathered::of(&logs.read, LOGS.map(str::to_owned));
    logs.tell_all().await;
    for (log, source) in LOGS.into_iter().zip(&logs.sources) {
        let head = source.head().await.expect("the log answers");
        for gathered in [gatherer.gathered(), &elsewhere] {
            let reached = gathered.reach(log, head, LIMIT).await.expect("it comes there");
            let missing = format!(
                "SELECT count(*) FROM {log}.events s WHERE NOT EXISTS (SELECT FROM reading.events r \
                  WHERE r.position <= {reached} AND r.aggregate_id = s.aggregate_id AND r.sequence = s.sequence)"
            );
            assert_eq!(logs.number(&missing).await, 0, "all of {log} stands up to {reached}");
        }
    }
    let hotel = logs.sources[1].head().await.expect("the log answers");
    let wanted = Position(hotel.0 + 1);
    let behind = elsewhere.reach("hotel", wanted, SHORT).await;
    assert_eq!(behind, Err(ReachError::Behind { log: "hotel".into(), reached: hotel, wanted }));
    let unknown = elsewhere.reach("train", wanted, SHORT).await;
    assert_eq!(unknown, Err(ReachError::UnknownLog { log: "train".into() }));
    gatherer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_stream_of_another_log_is_left_alone_says_so_and_is_copied_once_that_is_mended() {
    let (mut logs, _) = booked().await;
    logs.tell_all().await;
    let twice = "INSERT INTO flight.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at \
           FROM hotel.events WHERE sequence = 1";
    sqlx::raw_sql(twice).execute(logs.pool()).await.expect("restored into the wrong place");
    let gatherer = logs.gatherer();
    logs.until("SELECT count(DISTINCT log) FROM reading.gathered_logs WHERE state = 'away'", 1).await;
    let known = logs.read.gathered().await.expect("read");
    let away: Vec<_> = known.into_iter().filter(|log| log.told.state == STATE_AWAY).collect();
    assert!(["hotel", "flight"].contains(&&*away[0].log), "{away:?}");
    assert!(away[0].told.reason.as_deref().is_some_and(|reason| reason.contains("another log")), "{away:?}");
    logs.until(&format!("{IN_READ_LOG} 'payment'"), logs.count("payment").await).await;
    logs.until(&format!("{IN_READ_LOG} 'car'"), logs.count("car").await).await;
    logs.until("SELECT count(*) FROM reading.gathered_logs WHERE state = 'away'", 1).await;
    // Whichever of the two came second: what does not belong into the log is taken out behind the program's back.
    let mended = format!(
        "ALTER TABLE flight.events DISABLE TRIGGER USER; DELETE FROM flight.events WHERE aggregate_type = 'hotel'; \
         ALTER TABLE flight.events ENABLE TRIGGER USER; ALTER TABLE reading.events DISABLE TRIGGER USER; \
         DELETE FROM reading.events WHERE aggregate_type = 'hotel' AND '{}' = 'hotel'; \
         ALTER TABLE reading.events ENABLE TRIGGER USER",
        away[0].log
    );
    sqlx::raw_sql(&mended).execute(logs.pool()).await.expect("mended");
    logs.until("SELECT count(*) FROM reading.gathered_logs WHERE state = 'live'", LOGS.len() as i64).await;
    for (kind, log) in [("hotel", "hotel"), ("flight", "flight")] {
        logs.until(&format!("{IN_READ_LOG} '{kind}'"), logs.count(log).await).await;
    }
    gatherer.stop().await;
}

/// The read log's database refuses an event of hotels, and counts whether others were written with it: a sequence goes on also where a
/// statement is refused.
const REFUSING: &str = "CREATE SEQUENCE reading.refused_alone; CREATE SEQUENCE reading.refused_with_others; \
     CREATE FUNCTION reading.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF EXISTS (SELECT FROM written WHERE aggregate_type = 'hotel' AND sequence = 1) THEN \
             IF (SELECT count(*) FROM written) = 1 THEN PERFORM nextval('reading.refused_alone'); \
             ELSE PERFORM nextval('reading.refused_with_others'); END IF; \
             RAISE EXCEPTION 'refused'; \
         END IF; RETURN NULL; END $$; \
     CREATE TRIGGER refusing AFTER INSERT ON reading.events REFERENCING NEW TABLE AS written \
         FOR EACH STATEMENT EXECUTE FUNCTION reading.refuse()";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_of_a_log_is_tried_by_itself_and_delays_nothing_of_the_others() {
    let (mut logs, _) = booked().await;
    sqlx::raw_sql(REFUSING).execute(logs.pool()).await.expect("made");
    let gatherer = logs.gatherer();
    logs.tell("hotel", 1_000).await;
    becomes(&logs, "hotel", STATE_AWAY).await;
    let times = |counter| format!("SELECT last_value - (NOT is_called)::int FROM reading.{counter}");
    let with_others = logs.number(&times("refused_with_others")).await;
    // All that the others have to tell comes now: at every further try there is plenty that could be refused with it.
    for log in ["booking", "flight", "car", "payment", "member"] {
        logs.tell(log, 1_000).await;
    }
    let tries = logs.number(&times("refused_alone")).await;
    while logs.number(&times("refused_alone")).await < tries + 2 {
        let plan = logs.house.offer(PLENTY, card()).await;
        logs.house.request(2, "ada", "ada@example.org", plan).await;
        logs.tell("booking", 1_000).await;
        logs.tell("flight", 1_000).await;
        assert_eq!(logs.number(&times("refused_with_others")).await, with_others, "others were refused with it");
    }
    let others = "SELECT count(*) FROM reading.events WHERE aggregate_type IN ('flight', 'booking')";
    let told = "SELECT (SELECT count(*) FROM flight.events) + (SELECT count(*) FROM booking.events WHERE aggregate_type = 'booking')";
    logs.until(others, logs.number(told).await).await;
    assert_eq!(logs.number(&format!("{IN_READ_LOG} 'hotel'")).await, 0);
    sqlx::raw_sql("DROP TRIGGER refusing ON reading.events").execute(logs.pool()).await.expect("mended");
    logs.house.deliver_all().await;
    logs.tell_all().await;
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    becomes(&logs, "hotel", STATE_LIVE).await;
    gatherer.stop().await;
    logs.assert_gathered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_an_event_that_cannot_be_read_is_copied_and_the_other_logs_go_on() {
    let (mut logs, _) = booked().await;
    logs.tell("booking", 1_000).await;
    logs.tell("flight", 1_000).await;
    let before = logs.count("flight").await;
    let strange = "ALTER TABLE flight.events DISABLE TRIGGER USER; \
         INSERT INTO flight.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
         VALUES ('train', 'train_01h455vb4pex5vsknk084sn02q', 1, 'TrainListed', '1', '{}', '{}', clock_timestamp())";
    sqlx::raw_sql(strange).execute(logs.pool()).await.expect("written by a newer program");
    let gatherer = logs.gatherer();
    let away = becomes(&logs, "flight", STATE_AWAY).await;
    assert!(away.told.reason.is_some(), "{away:?}");
    logs.until(&format!("{IN_READ_LOG} 'flight'"), before).await;
    for log in ["hotel", "car", "payment", "member"] {
        logs.tell(log, 1_000).await;
    }
    logs.until("SELECT count(*) FROM reading.events", logs.count("public").await).await;
    sqlx::raw_sql("DELETE FROM flight.events WHERE aggregate_type = 'train'")
        .execute(logs.pool())
        .await
        .expect("mended");
    becomes(&logs, "flight", STATE_LIVE).await;
    gatherer.stop().await;
    logs.assert_gathered().await;
}
