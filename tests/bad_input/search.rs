//! Looks for what must not be there, in everything that was kept.

use sqlx::Row;

use super::{CARDS, PERSONAL};
use crate::support::Home;

/// Fails when a card number stands in the text, in any of the ways in which people write it.
pub(super) fn holds_no_card(place: &str, text: &str) {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    for card in CARDS {
        let number: String = card.chars().filter(char::is_ascii_digit).collect();
        if let Some(at) = digits.find(&number) {
            let around: String = digits[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{place} holds a card number after: {around}");
        }
    }
}

/// Every row of every table: no card numbers; personal values in the events that bring them, in the read models of trips and of members only
/// (L8), and the address by which a traveller's trips are looked up in theirs.
pub(super) async fn the_database(home: &Home) {
    let (server, pool) = home.database().await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(&pool)
            .await
            .expect("the tables");
    for needed in ["events", "wakeups", "idempotency_keys", "sandbox_gateway_calls", "snapshots"] {
        assert!(tables.iter().any(|table| table == needed), "{needed} is not among {tables:?}");
    }
    let mut holders = Vec::new();
    for table in &tables {
        // The table's row as text, and for an event its name.
        let kind = if table == "events" { "event_type" } else { "''" };
        let rows = sqlx::query(&format!("SELECT {kind} AS kind, t::text AS row FROM {table} t")).fetch_all(&pool).await;
        for row in rows.expect("rows") {
            let text: String = row.get("row");
            holds_no_card(table, &text);
            let [_address, beside @ ..] = PERSONAL;
            assert!(table != "traveller_bookings" || !beside.iter().any(|value| text.contains(value)), "{text}");
            if PERSONAL.iter().any(|value| text.contains(value)) {
                holders.push(format!("{table} {}", row.get::<String, _>("kind")).trim_end().to_owned());
            }
        }
    }
    pool.close().await;
    server.stop().await.expect("stopped");
    holders.sort();
    holders.dedup();
    let allowed = [
        "bookings",
        "events BookingRequested",
        "events MemberSignedUp",
        "events ProfileChanged",
        "members",
        "traveller_bookings",
    ];
    assert_eq!(holders, allowed);
}
