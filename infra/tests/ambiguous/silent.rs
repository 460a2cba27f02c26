//! Connections that say nothing any more: given up in time, and not missed.

use sqlx::postgres::PgPoolOptions;

use super::*;

/// A log with one connection only, through a proxy.
async fn narrow(options: &PgConnectOptions) -> Lab {
    let proxy = FaultProxy::start(options, APPENDS);
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(AT_LAST / 10);
    let log = EventLog::new("public", pool.connect_lazy_with(proxy.options()));
    let direct = EventLog::new("public", super::pool(options.clone()));
    log.append(&Append::default()).await.expect("checked");
    Lab { proxy, log, direct }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_on_a_silent_connection_is_asked_for_on_another_and_stands_once() {
    let database = TestDatabase::create(SCHEMA).await;
    // What the server has executed but not been told to commit is another story.
    let silences = steps().filter(|(_, step)| *step != Step::RequestUnfinished).map(async |(number, step)| {
        let lab = narrow(&database.options).await;
        let wanted = busy(number);
        let mut struck = lab.proxy.arm(Fault::new(step, Fate::Silent));
        let first = first_of(&answered(lab.log.append(&wanted)).await);
        assert!(struck.has_struck(), "{step:?}");
        lab.assert_once(&wanted, first).await;
    });
    futures::future::join_all(silences).await;
}
