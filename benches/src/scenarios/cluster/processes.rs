//! A whole installation of the program's own processes, so many of each role.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::try_join_all;
use sqlx::ConnectOptions;
use traveladvisor_commands::engine::Delivery;
use traveladvisor_domain::context::Context;
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::postgres;

use super::installation::Installation;
use crate::broker::BenchBroker;
use crate::database;
use crate::graphql::Connection;
use crate::program::{Program, Serving};
use crate::server::BenchServer;
use crate::{Failure, Outcome};

/// All roles but the gateway.
const ROLES: [&str; 8] = ["booking", "hotel", "flight", "car", "payment", "member", "relay", "projections"];
/// Contexts with a log of their own, beside that of bookings.
const OWN_LOGS: [Context; 5] = [Context::Hotel, Context::Flight, Context::Car, Context::Payment, Context::Member];
/// Longest wait until all are ready.
const READY_MAX: Duration = Duration::from_mins(2);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Processes at work.
pub(super) struct Processes {
    /// For looking on.
    pub(super) log: EventLog,
    all: Vec<(&'static str, Serving)>,
}

/// What processes of a role say of their appends.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Appends {
    pub(super) stand: u64,
    pub(super) refused: u64,
}

impl Processes {
    /// Lists what is on sale, then starts so many of each role and waits until all are ready.
    pub(super) async fn start(
        server: &BenchServer,
        broker: &BenchBroker,
        program: &Program,
        (name, each): (&str, usize),
    ) -> Outcome<Self> {
        let options = database::empty(server, name).await?;
        let database = options.to_url_lossy().to_string();
        let mut settings = settings(broker, name);
        program.run_with((&database, &settings), &["migrate"]).await?;
        program.run_with((&database, &settings), &["kafka", "topics", "apply"]).await?;
        let log = |schema: &str, called: &str| {
            EventLog::new(called, postgres::pool(postgres::in_schema(options.clone(), schema)))
        };
        let mut logs = BTreeMap::from([(Context::Booking, log("public", "booking"))]);
        logs.extend(OWN_LOGS.map(|context| (context, log(context.as_str(), context.as_str()))));
        let bookings = logs[&Context::Booking].clone();
        list_supply(broker, name, logs).await?;
        let mut all = start_all(program, (&database, &settings), &ROLES, each).await?;
        for context in Context::ALL {
            let urls: Vec<String> = of(&all, context.as_str()).map(|it| format!("http://{}", it.address)).collect();
            settings.push((format!("SERVICES_{}", context.as_str().to_uppercase()), urls.join(",")));
        }
        all.extend(start_all(program, (&database, &settings), &["api"], each).await?);
        let started = Self { log: bookings, all };
        tokio::time::timeout(READY_MAX, started.are_ready())
            .await
            .map_err(|_| Failure::from("not all become ready"))??;
        Ok(started)
    }

    /// Where callers ask.
    pub(super) fn gateways(&self) -> Vec<SocketAddr> {
        of(&self.all, "api").map(|it| it.address).collect()
    }

    /// Milliseconds of processor time of all of them so far.
    pub(super) fn cpu_ms(&self) -> f64 {
        self.all.iter().map(|(_, it)| it.cpu_ms()).sum()
    }

    /// The same, role by role.
    pub(super) fn cpu_ms_of_roles(&self) -> BTreeMap<&'static str, f64> {
        let mut spent = BTreeMap::new();
        for (role, it) in &self.all {
            *spent.entry(*role).or_default() += it.cpu_ms();
        }
        spent
    }

    /// What processes of a role have appended, and what was refused.
    pub(super) async fn appends(&self, role: &str) -> Outcome<Appends> {
        let mut appends = Appends::default();
        for process in of(&self.all, role) {
            let text = Connection::open(process.address).await?.get("/metrics").await?.unwrap_or_default();
            appends.stand += sum_of(&text, "traveladvisor_engine_appends_total{");
            appends.refused += sum_of(&text, "traveladvisor_engine_appends_refused_total{");
        }
        Ok(appends)
    }

    /// Ends all in order, the gateways first.
    pub(super) async fn stop(self) -> Outcome<()> {
        self.log.pool().close().await;
        let (gateways, others): (Vec<_>, Vec<_>) = self.all.into_iter().partition(|(role, _)| *role == "api");
        try_join_all(gateways.into_iter().map(|(_, it)| it.stop())).await?;
        try_join_all(others.into_iter().map(|(_, it)| it.stop())).await?;
        Ok(())
    }

    async fn are_ready(&self) -> Outcome<()> {
        for (_, process) in &self.all {
            let mut connection = Connection::open(process.address).await?;
            while connection.get("/health/ready").await?.is_none() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }
}

fn of<'a>(all: &'a [(&'static str, Serving)], role: &str) -> impl Iterator<Item = &'a Serving> {
    all.iter().filter(move |(of, _)| *of == role).map(|(_, process)| process)
}

async fn start_all(
    program: &Program,
    with: (&str, &[(String, String)]),
    roles: &[&'static str],
    each: usize,
) -> Outcome<Vec<(&'static str, Serving)>> {
    let mut all = Vec::new();
    // One role after the other: all at once would only hold each other up.
    for role in roles {
        let starts = (0..each).map(async |_| Ok::<_, Failure>((*role, program.serve_as(with, &[role]).await?)));
        all.extend(try_join_all(starts).await?);
    }
    Ok(all)
}

/// Every context on a schema of its own, as `infra/local/cluster` has it.
fn settings(broker: &BenchBroker, name: &str) -> Vec<(String, String)> {
    let kafka = broker.settings(name);
    let mut settings = vec![
        ("KAFKA_BROKERS".to_owned(), kafka.brokers),
        ("KAFKA_TOPIC_PREFIX".to_owned(), kafka.topic_prefix),
        ("LOGS_READ_SCHEMA".to_owned(), "read_models".to_owned()),
    ];
    settings.extend(
        OWN_LOGS
            .map(|context| (format!("LOGS_{}_SCHEMA", context.as_str().to_uppercase()), context.as_str().to_owned())),
    );
    settings
}

/// By engines of the bench's own, which are gone before the processes begin.
async fn list_supply(broker: &BenchBroker, name: &str, logs: BTreeMap<Context, EventLog>) -> Outcome<()> {
    let mut installation = Installation::over(broker.settings(name), logs);
    for context in [Context::Booking, Context::Hotel, Context::Flight, Context::Car] {
        installation.start(context, Delivery::Here).await?;
    }
    installation.list_supply().await?;
    installation.end().await;
    Ok(())
}

/// The sum over all labels.
fn sum_of(metrics: &str, name: &str) -> u64 {
    let values = metrics.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit_once(' '));
    values.filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
}
