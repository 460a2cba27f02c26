//! A process of one context: started, killed and frozen as an operating system does it.

use traveladvisor_commands::engine::bus::{Bus, Consumes, Outbox};
use traveladvisor_domain::bus::Version;
use traveladvisor_domain::context::{Context, Contexts};
use traveladvisor_infra::fail_points;
use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::testing::broker;

use super::Cluster;
use super::sweep::obey;
use crate::child::{Inside, OtherProcess};

/// Tells it which context it is.
const CONTEXT: &str = "TRAVELADVISOR_TEST_CONTEXT";
/// Tells it where the broker is.
const BROKERS: &str = "TRAVELADVISOR_TEST_BROKERS";
/// Tells it what stands before all names there.
const PREFIX: &str = "TRAVELADVISOR_TEST_PREFIX";

/// What a process was told: the name of its log, and its bus.
pub(crate) fn told() -> (String, Bus) {
    let said = |name| std::env::var(name).expect("it was told");
    let name = said(CONTEXT);
    let context = Context::ALL.into_iter().find(|context| context.as_str() == name).expect("a context");
    let bus = Bus {
        contexts: Contexts::NONE.and(context),
        kafka: KafkaSettings { brokers: said(BROKERS), topic_prefix: said(PREFIX) },
        outbox: Outbox::Relay,
        slot: String::new(),
        writes: Version::default(),
        consumes: Consumes::Here,
    };
    (name, bus)
}

/// After how many milliseconds of silence a group takes the partitions of one of these processes: nothing else is waited for when one is
/// killed.
pub(crate) const SESSION_MS: u64 = 2_000;

/// Works until its test is over, or it is killed, and obeys meanwhile.
pub(crate) async fn run(mut inside: Inside) {
    inside.answer("at work");
    while let Some(order) = inside.order().await {
        let answer = obey(&inside.engine, &order).await;
        inside.answer(&answer);
    }
    inside.running.stop().await;
}

impl Cluster {
    /// Starts a process of a context which dies at this fail point, and waits until it is at work: one whose point lies before that may be
    /// dead by then.
    pub(crate) async fn start_process(&self, context: Context, dies_at: Option<&str>) -> OtherProcess {
        let mut environment = vec![
            (CONTEXT, context.as_str().to_owned()),
            (BROKERS, self.kafka.brokers.clone()),
            (PREFIX, self.kafka.topic_prefix.clone()),
            (broker::SESSION, SESSION_MS.to_string()),
        ];
        environment.extend(dies_at.map(|point| (fail_points::SETTING, point.to_owned())));
        let mut process = OtherProcess::start_on("a context", &self.options(context), &environment);
        if dies_at.is_none() {
            assert_eq!(process.answer().await, "at work");
        }
        process
    }
}
