//! Outcomes that nobody knows, until they are looked up.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use traveladvisor_infra::clock::SystemClock;
use traveladvisor_infra::gateway::{CallError, HttpGateway, HttpSettings, PaymentGateway, TokeniseError};

use super::world::{AT_LAST, World, entry};
use super::{charge, done, soon};

const APPROVES: &str = "tok_sandbox_approves";

fn is_unknown<T>(result: &Result<T, CallError>) -> bool {
    matches!(result, Err(CallError::Unknown(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_found_by_its_key_and_nothing_is_charged_twice() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    world.inject(&json!({"lostAnswerRate": 1.0})).await;
    let lost = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await;
    assert!(is_unknown(&lost), "{lost:?}");
    assert_eq!(world.injected("lostAnswers").await, 1, "it was not repeated blindly");
    world.heal().await;
    let found = gateway.look_up("c").await.expect("answered").expect("it had been done");
    assert_eq!(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await, Ok(found));
    assert_eq!(world.ledger().await, [entry("c", "done", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_unknown_then_under_way_then_found() {
    let world = World::begin().await;
    let gateway = world.client(|settings| settings.call_timeout = Duration::from_millis(200));
    world.inject(&json!({"latencyMs": 2_000})).await;
    let timed_out = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await;
    assert!(is_unknown(&timed_out), "{timed_out:?}");
    world.heal().await;
    let meanwhile = gateway.look_up("c").await;
    assert!(meanwhile.as_ref().is_err_and(|unknown| unknown.0.contains("CALL_IN_PROGRESS")), "{meanwhile:?}");
    let again = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await;
    assert!(is_unknown(&again), "the first one is under way: {again:?}");
    let found = tokio::time::timeout(AT_LAST, async {
        loop {
            if let Ok(Some(found)) = gateway.look_up("c").await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    done(found.await.expect("found, though its caller had long gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_or_failed_before_any_effect_is_unknown_and_not_found() {
    let world = World::begin().await;
    let gateway = world.client(|_| {});
    for (fault, told) in [("lostRequestRate", "lostRequests"), ("faultRate", "faults")] {
        world.inject(&json!({ fault: 1.0 })).await;
        let result = gateway.call(&charge(fault, APPROVES, 1_000), soon(&gateway)).await;
        assert!(is_unknown(&result), "{result:?}");
        assert_eq!(world.injected(told).await, 1, "it was not repeated blindly");
        world.heal().await;
        assert_eq!(gateway.look_up(fault).await, Ok(None));
    }
    assert_eq!(world.ledger().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_there_was_sent_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let gateway = client(free);
    let unsent = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await;
    assert!(matches!(unsent, Err(CallError::NotSent(_))), "{unsent:?}");
    assert!(gateway.look_up("c").await.is_err(), "nobody said that it was not found");
    let token = gateway.tokenise(&SecretString::from("4242424242424242")).await;
    assert_eq!(token, Err(TokeniseError::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_is_tried_again_and_arrives() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let late = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        World::begin_at(free, None).await
    });
    let patient = HttpSettings {
        tries_max: 100,
        retry_pause: Duration::from_millis(50),
        budget_per_second_min: 100,
        breaker_requests_min: 1_000,
        ..HttpSettings::default()
    };
    let gateway = HttpGateway::new(&format!("http://{free}"), None, std::sync::Arc::new(SystemClock), patient);
    let gateway = gateway.expect("a client");
    done(gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await.expect("answered in the end"));
    assert_eq!(late.await.expect("it runs").ledger().await, [entry("c", "done", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_show_the_key_learns_nothing_not_even_that_nothing_was_found() {
    let world = World::begin_at(SocketAddr::from(([127, 0, 0, 1], 0)), Some("open sesame")).await;
    let right = world.client(|_| {});
    done(right.call(&charge("c", APPROVES, 1_000), soon(&right)).await.expect("answered"));
    for key in [None, Some(SecretString::from("open barley"))] {
        let wrong = world.client_with(key.as_ref(), |_| {});
        assert!(is_unknown(&wrong.call(&charge("d", APPROVES, 1_000), soon(&wrong)).await));
        let found = wrong.look_up("nothing").await.expect_err("no answer");
        assert!(found.0.contains("401") && !found.0.contains("barley"), "{found}");
    }
    assert_eq!(right.look_up("d").await, Ok(None));
}

/// Answers every request with these bytes and closes.
async fn stranger(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    address
}

fn client(address: SocketAddr) -> HttpGateway {
    let clock = std::sync::Arc::new(SystemClock);
    HttpGateway::new(&format!("http://{address}"), None, clock, HttpSettings::default()).expect("a client")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_understood_is_unknown_and_never_endless() {
    let sent_away = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{}", " ".repeat(100_000));
    let padded = format!("{{\"outcome\":\"done\",\"reference\":\"ch_1\"}}{}", " ".repeat(100_000));
    let too_long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{padded}", padded.len());
    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here!";
    for answer in
        [sent_away, &endless, &too_long, page, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "rubbish\r\n\r\n", ""]
    {
        let gateway = client(stranger(answer.to_owned()).await);
        let result = gateway.call(&charge("c", APPROVES, 1_000), soon(&gateway)).await;
        assert!(is_unknown(&result), "{answer:.40}: {result:?}");
        assert!(gateway.look_up("c").await.is_err(), "{answer:.40}");
        let token = gateway.tokenise(&SecretString::from("4242424242424242")).await;
        assert_eq!(token, Err(TokeniseError::Unavailable), "{answer:.40}");
    }
}
