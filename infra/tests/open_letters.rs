//! How many dead letters are told to be open, and how they go on.

use traveladvisor_infra::event_log::{EventLog, OpenLetters};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

const RECORD: &str =
    r#"{"RecordDeadLettered":{"topic":"t","partition":2,"offset":17,"booking":null,"instruction":null}}"#;
const ANSWERED_RECORD: &str = r#"{"RecordDeadLettered":{"topic":"t","partition":2,"offset":18,"booking":"booking_1","instruction":{"step":"hotel"}}}"#;
const REQUEST: &str = r#"{"MessageDeadLettered":{"booking":"booking_1","instruction":{"step":"hotel"}}}"#;
const MESSAGE: &str = r#"{"MessageDeadLettered":{"booking":"booking_1","instruction":null}}"#;
const ANNOUNCEMENT: &str =
    r#"{"MessageDeadLettered":{"booking":null,"cause_stream":"hotel_1","cause_sequence":2,"instruction":null}}"#;
const ANSWER: &str =
    r#"{"MessageDeadLettered":{"booking":"booking_1","cause_stream":"hotel_1","cause_sequence":1,"instruction":null}}"#;
const RETRIED: &str = r#"{"LetterRetried":{"booking":null,"actor":"cli:ada","reason":"mended"}}"#;
const DISCARDED: &str = r#"{"LetterDiscarded":{"booking":null,"actor":"cli:ada","reason":"of no use"}}"#;

/// Events of one letter, in their order.
async fn letter(database: &TestDatabase, id: &str, events: &[&str]) {
    write(database, "dead_letter", id, events).await;
}

async fn write(database: &TestDatabase, kind: &str, id: &str, events: &[&str]) {
    for (payload, sequence) in events.iter().zip(1_i64..) {
        let sql = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at) \
                   SELECT $4, $1, $2, (SELECT json_object_keys($3::json)), '1', $3::json, '{}', clock_timestamp()";
        let written = sqlx::query(sql).bind(id).bind(sequence).bind(payload).bind(kind);
        written.execute(&database.pool).await.expect("written");
    }
}

async fn comes_again(database: &TestDatabase, id: &str) {
    let sql = "INSERT INTO wakeups VALUES ('dead_letter', $1, 'retry', clock_timestamp())";
    sqlx::query(sql).bind(id).execute(&database.pool).await.expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_letters_are_counted_by_how_they_go_on() {
    let database = TestDatabase::create(SCHEMA).await;
    let log = EventLog::new("public", database.pool.clone());
    assert_eq!(log.open_letters().await.expect("counted"), OpenLetters::default());
    write(&database, "hotel", "hotel_1", &[r#"{"RoomsReserved":{}}"#, r#"{"HotelChanged":{}}"#]).await;
    letter(&database, "announcement", &[ANNOUNCEMENT]).await;
    letter(&database, "announcement_that_stays", &[ANNOUNCEMENT, RETRIED, ANNOUNCEMENT]).await;
    letter(&database, "record", &[RECORD]).await;
    letter(&database, "record_set_aside_again", &[RECORD, RETRIED, RECORD]).await;
    letter(&database, "record_of_a_saga", &[ANSWERED_RECORD]).await;
    letter(&database, "request", &[REQUEST]).await;
    letter(&database, "message", &[MESSAGE]).await;
    comes_again(&database, "message").await;
    letter(&database, "retried", &[RECORD, RETRIED]).await;
    comes_again(&database, "retried").await;
    // These need nobody: handled since, or given up.
    letter(&database, "message_handled", &[MESSAGE]).await;
    letter(&database, "answer_handled", &[ANSWER]).await;
    letter(&database, "announcement_discarded", &[ANNOUNCEMENT, DISCARDED]).await;
    letter(&database, "record_handled", &[RECORD, RETRIED]).await;
    letter(&database, "discarded", &[RECORD, DISCARDED]).await;
    let expected = OpenLetters { come_again: 2, sagas_ask_again: 2, need_operator: 4 };
    assert_eq!(log.open_letters().await.expect("counted"), expected);
}
