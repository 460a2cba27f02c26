//! The schema: what migrations give is what `schema.sql` says.

use sqlx::{Executor, PgPool, Row};
use traveladvisor_infra::postgres::{
    MigrateError, MigrationOutcome, SCHEMA, SCHEMA_VERSION, migrate, migrations, schema_version,
};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_which_a_former_program_works_is_not_upgraded_under_it_and_one_that_was_killed_is_waited_for() {
    let former = SCHEMA_VERSION - 1;
    let steps = migrations()[..former.unsigned_abs() as usize].concat();
    let version = format!(
        "CREATE TABLE schema_version (version integer NOT NULL); INSERT INTO schema_version VALUES ({former});"
    );
    let database = TestDatabase::create(&format!("{steps}{version}")).await;
    let holds = |seconds: u32| {
        format!(
            "INSERT INTO owners (name, epoch, holder, held_until) VALUES ('relay', 7, 'process 17', now() + interval '{seconds} s') \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until"
        )
    };
    database.pool.execute(holds(3_600).as_str()).await.expect("it works");
    let refused = migrate(&database.pool).await.expect_err("somebody works on it");
    let is_told =
        matches!(&refused, MigrateError::InUse { holder, found } if holder == "process 17" && *found == former);
    assert!(is_told, "{refused}");
    assert!(refused.to_string().contains("stop all processes of that program"), "{refused}");
    assert_eq!(schema_version(&database.pool).await.expect("read"), Some(former), "nothing was changed");
    database.pool.execute(holds(1).as_str()).await.expect("it was killed");
    let upgraded = migrate(&database.pool).await.expect("its lease runs out");
    assert_eq!(upgraded, MigrationOutcome::Upgraded { from: former });
}
