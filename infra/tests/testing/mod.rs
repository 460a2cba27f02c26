//! The databases other tests stand on.

use sqlx::Connection;
use traveladvisor_infra::testing::TestDatabase;

const SCHEMA: &str = "CREATE TABLE note (text text); INSERT INTO note VALUES ('from the schema');";

async fn notes(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM note").fetch_one(&database.pool).await.expect("the schema's table")
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (first, second) = tokio::join!(TestDatabase::create(SCHEMA), TestDatabase::create(SCHEMA));
    sqlx::query("INSERT INTO note VALUES ('mine')").execute(&first.pool).await.expect("an insert");
    assert_eq!((notes(&first).await, notes(&second).await), (2, 1));
}

#[tokio::test]
async fn many_tests_at_once_with_schemas_nobody_has_seen() {
    let fresh = format!("{SCHEMA} -- {}", std::process::id());
    let databases = futures::future::join_all((0..8).map(|_| TestDatabase::create(&fresh))).await;
    for database in &databases {
        assert_eq!(notes(database).await, 1);
    }
}

#[tokio::test]
async fn a_database_is_gone_after_its_test_even_with_open_connections() {
    let database = TestDatabase::create(SCHEMA).await;
    let options = database.options.clone();
    let _open = database.pool.acquire().await.expect("a connection");
    drop(database);
    assert!(sqlx::PgConnection::connect_with(&options).await.is_err());
}
