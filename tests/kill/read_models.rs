//! Whether the read models hold what the log says: a deposed projector that had written would show here.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::support::Home;
use crate::support::server::Server;

/// The tables of the read side.
const TABLES: [&str; 10] = [
    "bookings",
    "booking_timeline",
    "hotels",
    "hotel_room_types",
    "hotel_nights",
    "flights",
    "flight_cabins",
    "flight_sales",
    "cars",
    "car_rentals",
];
/// Longest time until the read models have come to the log's end.
const FOLD_LIMIT: Duration = Duration::from_mins(2);

/// Reads the log into empty tables, which must give the same rows.
pub(super) async fn are_as_made_anew(home: &Home) {
    let (private, pool) = home.database().await;
    let server = Server::start(home);
    until_at_the_end(&pool).await;
    drop(server);
    let lived = digests(&pool).await;
    let sql = format!("TRUNCATE {}, projection_checkpoints", TABLES.join(", "));
    sqlx::query(&sql).execute(&pool).await.expect("emptied");
    let server = Server::start(home);
    until_at_the_end(&pool).await;
    drop(server);
    assert_eq!(lived, digests(&pool).await, "what was folded while servers died, and what is folded at rest");
    pool.close().await;
    private.stop().await.expect("stopped");
}

async fn until_at_the_end(pool: &PgPool) {
    let begun = Instant::now();
    let query = "SELECT count(*) FROM projection_checkpoints WHERE position = (SELECT max(position) FROM events)";
    while sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await.expect("the checkpoints") < 4 {
        assert!(begun.elapsed() < FOLD_LIMIT, "the read models do not come to the end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Rows and a digest of each table.
async fn digests(pool: &PgPool) -> Vec<(&'static str, i64, Option<String>)> {
    let mut digests = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {table} t");
        let (rows, digest) = sqlx::query_as(&sql).fetch_one(pool).await.expect("the table");
        digests.push((table, rows, digest));
    }
    digests
}
