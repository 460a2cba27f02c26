//! Whether the read models hold what the log says: a deposed projector that had written would show here.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::reads::Reads;
use traveladvisor_projections::runtime::{ProjectionName, Projectors};

/// The tables of the read side.
const TABLES: [&str; 22] = [
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
    "traveller_bookings",
    "payment_ledger",
    "occupancy_units",
    "occupancy_allotments",
    "occupancy_nights",
    "occupancy_seats",
    "occupancy_rentals",
    "members",
    "points_accounts",
    "points_entries",
    "campaigns",
    "vouchers",
];
/// Longest time until the read models have come to the log's end.
const FOLD_LIMIT: Duration = Duration::from_mins(2);

/// What differs once the log is read into empty tables. No other process may fold meanwhile.
pub(crate) async fn differences(pool: &PgPool) -> Vec<String> {
    let lived = folded_to_the_end(pool).await;
    let sql = format!("TRUNCATE {}, projection_checkpoints, projection_dead_letters", TABLES.join(", "));
    sqlx::query(&sql).execute(pool).await.expect("emptied");
    let anew = folded_to_the_end(pool).await;
    let differs = lived.iter().zip(&anew).filter(|(lived, anew)| lived != anew);
    let differs = differs.map(|(lived, anew)| format!("folded while processes died: {lived:?}; at rest: {anew:?}"));
    differs.chain(uneven(pool).await).collect()
}

/// Where the ledger of payments does not come to what the log says of money, and where accounts of points do not add up.
async fn uneven(pool: &PgPool) -> Vec<String> {
    let projectors = Projectors::start(EventLog::new("public", pool.clone()));
    let reads = Reads::new(&EventLog::new("public", pool.clone()), &projectors);
    let balances = reads.ledger_balances().await.expect("the ledger");
    let accounts = reads.points_that_do_not_add_up().await.expect("the accounts");
    projectors.stop().await;
    let ledger = balances.iter().filter(|balance| !balance.is_even()).map(|balance| format!("the ledger: {balance:?}"));
    ledger.chain(accounts.iter().map(|member| format!("the points of {member} do not add up"))).collect()
}

/// Folds what is left, and gives rows and a digest of each table.
async fn folded_to_the_end(pool: &PgPool) -> Vec<(&'static str, i64, Option<String>)> {
    let projectors = Projectors::start(EventLog::new("public", pool.clone()));
    let begun = Instant::now();
    let query = "SELECT count(*) FROM projection_checkpoints WHERE position = (SELECT max(position) FROM events)";
    while sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await.expect("the checkpoints")
        < ProjectionName::ALL.len() as i64
    {
        assert!(begun.elapsed() < FOLD_LIMIT, "the read models do not come to the end: {:?}", projectors.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    projectors.stop().await;
    let mut digests = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {table} t");
        let (rows, digest) = sqlx::query_as(&sql).fetch_one(pool).await.expect("the table");
        digests.push((table, rows, digest));
    }
    digests
}
