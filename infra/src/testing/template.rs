//! The database from which those of the tests are copied, one for each schema text.

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

/// Length of a template's key, in hexadecimal digits.
const KEY_CHARS: usize = 16;
/// First half of the advisory lock's key, so that it meets no other lock of the server: "tmpl" in ASCII.
const LOCK_CLASS: i32 = 0x746d_706c;

/// Makes the template unless it is there, and gives its name. Many processes may do so at once.
pub(super) async fn ensure(connection: &mut PgConnection, admin: &PgConnectOptions, schema_sql: &str) -> String {
    let mut key = format!("{:x}", Sha256::digest(schema_sql));
    key.truncate(KEY_CHARS);
    let name = format!("template_{key}");
    if exists(connection, &name).await {
        return name;
    }
    // Held by the session: a process that is killed in the middle lets go of it.
    lock(connection, "pg_advisory_lock").await;
    if !exists(connection, &name).await {
        build(connection, admin, &name, schema_sql).await;
    }
    lock(connection, "pg_advisory_unlock").await;
    name
}

/// Builds under another name and renames, so that a half-built template is never copied.
async fn build(connection: &mut PgConnection, admin: &PgConnectOptions, name: &str, schema_sql: &str) {
    let unfinished = format!("{name}_unfinished");
    execute(connection, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    execute(connection, &format!("CREATE DATABASE {unfinished}")).await;
    let options = admin.clone().database(&unfinished);
    let mut inside = PgConnection::connect_with(&options).await.expect("the template answers");
    sqlx::raw_sql(schema_sql).execute(&mut inside).await.expect("the schema is accepted");
    inside.close().await.expect("the template is left");
    execute(connection, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
}

async fn exists(connection: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .expect("the catalogue answers")
}

async fn lock(connection: &mut PgConnection, function: &str) {
    let sql = format!("SELECT {function}($1, 0)");
    sqlx::query(&sql).bind(LOCK_CLASS).execute(connection).await.expect("the lock is had");
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::query(sql).execute(connection).await.expect(sql);
}
