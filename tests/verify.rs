//! `events verify`: a sound log is found sound, a damaged one is not, and the exit code says which.

use serde_json::Value;

use crate::support::server::Server;
use crate::support::{Home, code, told};

/// Runs a statement behind the program's back.
fn run(home: &Home, statements: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (server, pool) = home.database().await;
        for statement in statements {
            sqlx::raw_sql(statement).execute(&pool).await.expect("the statement runs");
        }
        pool.close().await;
        server.stop().await.expect("let go");
    });
}

const OPEN: &str = "ALTER TABLE events DISABLE TRIGGER events_are_final";

#[test]
fn the_log_after_a_demo_is_sound_also_while_the_program_serves_and_damage_ends_with_3() {
    let home = Home::new();
    home.json(&["demo", "--listen", "127.0.0.1:0"]);
    let server = Server::start(&home);
    let sound = home.json(&["events", "verify"]);
    drop(server);
    assert_eq!((&sound["damage"], &sound["findings"]), (&serde_json::json!([]), &serde_json::json!([])), "{sound}");
    assert_eq!(sound["events"].as_u64(), Some(home.events().len() as u64));
    assert!(home.printed(&["events", "verify"]).ends_with("Nothing is wrong.\n"));

    let sagas = home.events().iter().filter(|event| event["type"] == "SagaStarted").count();
    run(&home, &[OPEN, "DELETE FROM events WHERE event_type = 'SagaStarted'"]);
    let output = home.run(&["events", "verify", "--json"]);
    assert_eq!(code(&output), 3, "{}", told(&output));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON value");
    assert_eq!(
        found["damage"][0],
        serde_json::json!({ "kind": "sequence", "count": sagas }),
        "one of each trip: {found}"
    );
    let finding = &found["findings"][0];
    assert!(finding["position"].is_string() && finding["stream"].is_string() && finding["what"].is_string(), "{found}");
    let output = home.run(&["events", "verify"]);
    assert_eq!(code(&output), 3, "{}", told(&output));
    assert!(told(&output).contains(&format!("Damaged: {sagas} sequence")), "{}", told(&output));
}

#[test]
fn a_log_that_cannot_be_reached_is_not_called_damaged() {
    let home = Home::new();
    let mut command = home.command(&["events", "verify"]);
    let output = command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none").output().expect("it starts");
    assert_eq!(code(&output), 5, "{}", told(&output));
}
