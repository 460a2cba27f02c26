use traveladvisor_domain::failure::Code;
use traveladvisor_domain::payment::GatewayOutcome;
use traveladvisor_infra::gateway::{PaymentGateway, SandboxGateway};
use traveladvisor_infra::postgres::SCHEMA;
use traveladvisor_infra::testing::TestDatabase;

use super::{charge, code, done, past, refund, soon};

const APPROVES: &str = "tok_sandbox_approves";

async fn sandbox() -> (TestDatabase, SandboxGateway) {
    let database = TestDatabase::create(SCHEMA).await;
    let gateway = SandboxGateway::new(database.pool.clone());
    (database, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_given_back_in_parts_and_never_beyond_what_was_taken() {
    let (_database, gateway) = sandbox().await;
    let taken = done(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await.expect("answered"));
    for (key, minor) in [("r1", 400), ("r2", 500)] {
        done(gateway.call(&refund(key, &taken, minor), soon(&gateway)).await.expect("answered"));
    }
    let beyond = gateway.call(&refund("r3", &taken, 101), soon(&gateway)).await.expect("answered");
    assert!(matches!(beyond, GatewayOutcome::Refused(_)) && code(&beyond) == Code::Conflict, "{beyond:?}");
    done(gateway.call(&refund("r4", &taken, 100), soon(&gateway)).await.expect("the rest is given back"));
    let unknown = gateway.call(&refund("r5", "ch_nobody", 1), soon(&gateway)).await.expect("answered");
    assert_eq!(code(&unknown), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_given_back_at_once_never_come_to_more_than_the_charge() {
    let (_database, gateway) = sandbox().await;
    let taken = done(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await.expect("answered"));
    let parts: Vec<_> = (0..8).map(|n| refund(&format!("r{n}"), &taken, 300)).collect();
    let asked = parts.iter().map(|part| gateway.call(part, soon(&gateway)));
    let outcomes = futures::future::join_all(asked).await;
    let given = outcomes.iter().filter(|outcome| matches!(outcome, Ok(GatewayOutcome::Done { .. }))).count();
    assert_eq!(given, 3, "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_has_one_effect_and_one_answer() {
    let (database, gateway) = sandbox().await;
    let first = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await.expect("answered");
    let taken = done(first.clone());
    assert_eq!(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await, Ok(first.clone()));
    assert_eq!(gateway.look_up("c").await, Ok(Some(first)));
    let all = done(gateway.call(&refund("r", &taken, 1_000), soon(&gateway)).await.expect("answered"));
    let again = done(gateway.call(&refund("r", &taken, 1_000), soon(&gateway)).await.expect("answered"));
    assert_eq!(all, again, "given back once, and told again");
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway_calls")
        .fetch_one(&database.pool)
        .await
        .expect("counted");
    assert_eq!(entries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_too_late_is_not_carried_out_then_or_ever() {
    let (_database, gateway) = sandbox().await;
    let late = gateway.call(&charge("c", APPROVES, 1_000), past()).await.expect("answered");
    assert!(matches!(late, GatewayOutcome::Faulted(_)), "{late:?}");
    assert_eq!(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await, Ok(late.clone()));
    assert_eq!(gateway.look_up("c").await, Ok(Some(late)));
}
