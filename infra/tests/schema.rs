//! The schema: what migrations give is what `schema.sql` says.

use sqlx::{Executor, PgPool, Row};
use traveladvisor_infra::postgres::{MigrationOutcome, SCHEMA, SCHEMA_VERSION, migrate, migrations, schema_version};
use traveladvisor_infra::testing::TestDatabase;

/// Everything that a schema consists of, a line each.
async fn described(pool: &PgPool) -> Vec<String> {
    let sql = "
        SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
               || coalesce(column_default, '') || ' ' || is_identity FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
                    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        ORDER BY 1";
    pool.fetch_all(sql).await.expect("read").iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_give_what_the_schema_says() {
    let whole = TestDatabase::create(SCHEMA).await;
    let stepwise = TestDatabase::create("SELECT 1").await;
    for step in migrations() {
        stepwise.pool.execute(*step).await.expect("the step runs");
    }
    assert_eq!(described(&stepwise.pool).await, described(&whole.pool).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_creates_once_and_refuses_a_newer_schema() {
    let database = TestDatabase::create("SELECT 1").await;
    assert_eq!(schema_version(&database.pool).await.expect("read"), None);
    let both = futures::future::join(migrate(&database.pool), migrate(&database.pool)).await;
    let outcomes = [both.0.expect("migrated"), both.1.expect("migrated")];
    assert!(outcomes.contains(&MigrationOutcome::Created) && outcomes.contains(&MigrationOutcome::UpToDate));
    assert_eq!(schema_version(&database.pool).await.expect("read"), Some(SCHEMA_VERSION));
    database.pool.execute("UPDATE schema_version SET version = 999").await.expect("raised");
    let refused = migrate(&database.pool).await.expect_err("too new");
    assert!(refused.to_string().contains("start a newer program"), "{refused}");
}
