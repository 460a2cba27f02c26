//! The engines of a process: one for each log that its roles decide on or deliver from.

use futures::future::join_all;
use traveladvisor_commands::Deciders;
use traveladvisor_commands::deciders::{Decider, Remote};
use traveladvisor_commands::engine::bus::{Bus, Consumes, Copies, Outbox, OutboxRefused};
use traveladvisor_commands::engine::{Delivery, Engine, RunningEngine};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::config::{self, Config, Role};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_infra::kafka::KafkaSettings;
use traveladvisor_infra::services::{Service, ServiceSettings};

use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::logs::LogName;

/// Starts the engine of one context's log. Who only imports or decides at a desk delivers nothing, and takes in nothing either.
pub(crate) async fn start(
    house: &House,
    context: Context,
    log: &EventLog,
    delivery: Delivery,
) -> Result<(Engine, RunningEngine), Failure> {
    let (log, ports) = (log.clone(), house.ports(log)?);
    Ok(match bus(&house.config, context, delivery) {
        Some(bus) => {
            bus.take_over_outbox(&log).await.map_err(outbox_refused)?;
            Engine::start_on_bus(log, ports, delivery, bus).await?
        }
        None => Engine::start(log, ports, delivery).await?,
    })
}

fn outbox_refused(refused: OutboxRefused) -> Failure {
    match refused {
        OutboxRefused::Log(error) => error.into(),
        refused => Failure::usage(refused.to_string()),
    }
}

/// What joins the engine of a context's log to those of the others, where there are any.
pub(crate) fn bus(config: &Config, context: Context, delivery: Delivery) -> Option<Bus> {
    if !config.logs.are_several() {
        return None;
    }
    let takes_in = delivery == Delivery::Here && config.decides(context);
    Some(Bus {
        contexts: Context::ALL.into_iter().filter(|other| config.logs.of(*other) == context).collect(),
        kafka: KafkaSettings {
            brokers: config.kafka.brokers.clone().unwrap_or_default(),
            topic_prefix: config.kafka.topic_prefix.clone(),
        },
        outbox: match config.kafka.outbox {
            config::Outbox::Relay => Outbox::Relay,
            config::Outbox::Debezium => Outbox::Table,
        },
        slot: config.kafka.slot(context.as_str()),
        writes: config.kafka.message_version,
        consumes: if takes_in { Consumes::Here } else { Consumes::Elsewhere },
    })
}

/// Engines at work, each with the context whose log it is.
pub(crate) struct Engines(Vec<(Context, Engine, RunningEngine)>);

impl Engines {
    /// Starts one for each open log that a role of this process is about.
    pub(crate) async fn start(house: &House, delivery: Delivery) -> Result<Self, Failure> {
        let mut started = Self(Vec::new());
        for (name, log) in house.logs() {
            let LogName::Of(context) = *name else { continue };
            if !house.config.decides(context) && !house.config.has(Role::Relay) {
                continue;
            }
            match start(house, context, log, delivery).await {
                Ok((engine, running)) => started.0.push((context, engine, running)),
                Err(failure) => {
                    started.stop().await;
                    return Err(failure);
                }
            }
        }
        Ok(started)
    }

    /// Who decides on the commands of each context, as this process knows it.
    pub(crate) fn deciders(&self, config: &Config) -> Result<Deciders, Failure> {
        let mut each = Vec::with_capacity(Context::ALL.len());
        for context in Context::ALL {
            each.push(self.decider(config, context)?);
        }
        let deciders = Deciders::each(|context| each[context as usize].clone());
        Ok(if config.logs.are_several() { deciders.on_logs(|context| config.logs.of(context)) } else { deciders })
    }

    fn decider(&self, config: &Config, context: Context) -> Result<Decider, Failure> {
        let log = config.logs.of(context);
        let here = self.0.iter().find(|(of, ..)| *of == log && config.decides(context));
        if let Some((_, engine, _)) = here {
            return Ok(Decider::Here(engine.clone()));
        }
        if !config.has(Role::Api) || config.services.of(context).is_empty() {
            return Ok(Decider::Nobody);
        }
        let service = Service::new(context, &config.services, ServiceSettings::default());
        let service = service.map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Decider::There(Remote::new(service)))
    }

    /// All of them, each with the context whose log it is.
    pub(crate) fn each(&self) -> Vec<(Context, Engine)> {
        self.0.iter().map(|(context, engine, _)| (*context, engine.clone())).collect()
    }

    /// Tells whether all of them are still at work.
    pub(crate) fn liveness(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let each: Vec<_> = self.0.iter().map(|(.., running)| running.liveness()).collect();
        move || each.iter().all(|works| works())
    }

    /// Tells whether all of them know what they decide by.
    pub(crate) fn knowledge(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let each: Vec<Copies> = self.0.iter().filter_map(|(_, engine, _)| engine.copies().cloned()).collect();
        move || each.iter().all(Copies::is_complete)
    }

    /// Ends them all, side by side.
    pub(crate) async fn stop(self) {
        join_all(self.0.into_iter().map(async |(_, engine, running)| {
            running.stop().await;
            // Not before: an engine that nobody can ask any more ends as well, and would be taken for one that has broken off.
            drop(engine);
        }))
        .await;
    }
}
