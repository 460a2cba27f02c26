//! A server that is killed between commit and answer.

use sqlx::Executor;
use traveladvisor_infra::testing::{OwnServer, kill_process};

use super::*;

/// What is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    /// The process of the connection: the server breaks off all others and recovers.
    Connection,
    /// The whole server.
    Server,
}

/// Asks while the answer is held back; then the server is killed and comes back.
async fn ask_killed(lab: &Lab, server: &OwnServer, victim: Victim, asked: Request) -> Result<Receipt, Rejection> {
    let struck = lab.proxy.arm(Fault::new(Step::AnswerUnsent, Fate::UntilServerEnds).shutting());
    let engine = lab.engine.clone();
    let answer = tokio::spawn(async move { engine.submit(asked).await });
    let strike = struck.wait().await;
    match victim {
        Victim::Connection => kill_process(strike.server_pid),
        Victim::Server => {
            server.kill();
            server.start_again().await;
        }
    }
    at_last(|| lab.log.head()).await;
    lab.proxy.open();
    answer.await.expect("not broken off")
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answered_by_a_server_that_was_killed_meanwhile_have_their_effect_once() {
    let server = OwnServer::start().await;
    let options = server.connect_options();
    pool(options.clone()).execute(SCHEMA).await.expect("the schema");
    let lab = Lab::before(&options).await;
    let hotel = hotel_id().stream();
    for (n, victim) in [(1, Victim::Connection), (2, Victim::Server)] {
        let booked = ask_killed(&lab, &server, victim, trip_under(&format!("k{n}"))).await.expect("booked");
        assert!(booked.changed, "{victim:?}");
        let booking = booking_of(booked);
        let version = lab.version(hotel).await;
        let changed = ask_killed(&lab, &server, victim, rooms(n, Some(version))).await.expect("changed");
        assert!(changed.changed, "{victim:?}");
        assert_eq!(lab.version(hotel).await, version + 1, "{victim:?}: once");
        let cancelled = ask_killed(&lab, &server, victim, cancel(booking, 2)).await.expect("cancelled");
        assert!(cancelled.changed, "{victim:?}");
        let story = lab.story(booking).await;
        for name in ["BookingRequested", "CancellationRequested", "SagaCompensated"] {
            assert_eq!(story.iter().filter(|event| *event == name).count(), 1, "{victim:?}: {name} in {story:?}");
        }
    }
}
