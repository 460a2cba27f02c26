//! Where there are several logs: the one that is read is gathered here, or by another process and looked at.

use std::sync::Arc;

use futures::FutureExt;
use traveladvisor_api::{Lags, Reach};
use traveladvisor_domain::context::Context;
use traveladvisor_infra::config::{Config, Role};
use traveladvisor_infra::event_log::EventLog;
use traveladvisor_projections::gather::{Gathered, Gatherer, Source};

use crate::cli::failure::Failure;
use crate::cli::house::House;
use crate::cli::logs::LogName;

/// What a process knows of the log that is read.
pub(crate) struct Gathering {
    gathered: Gathered,
    /// The names of the logs that are gathered, by the context whose log it is.
    names: Arc<[(Context, String)]>,
    gatherer: Option<Gatherer>,
}

impl Gathering {
    /// Competes for the right to gather, or looks on; nothing where there is one log.
    pub(crate) fn start(house: &House) -> Result<Option<Self>, Failure> {
        let config = &house.config;
        if !config.logs.are_several() {
            return Ok(None);
        }
        let read = house.log_named(LogName::Read)?;
        if !config.has(Role::Projections) {
            return Ok(Some(Self { gathered: gathered(house, read), names: names(house), gatherer: None }));
        }
        let sources = LogName::decided(config).into_iter().map(|name| house.log_named(name).cloned().map(Source::new));
        let gatherer = Gatherer::start(read, sources.collect::<Result<_, _>>()?);
        let reached = gatherer.gathered().clone();
        Ok(Some(Self { gathered: reached, names: names(house), gatherer: Some(gatherer) }))
    }

    /// Where the events of a context's log stand in the one that is read.
    pub(crate) fn reach(&self, config: &Config) -> Reach {
        let (gathered, names, logs) = (self.gathered.clone(), self.names.clone(), config.logs.clone());
        Arc::new(move |context, position, patience| {
            let (gathered, names, log) = (gathered.clone(), names.clone(), logs.of(context));
            async move {
                let found = names.iter().find(|(of, _)| *of == log);
                let (_, name) = found.ok_or_else(|| format!("the log of {log} is not known here"))?;
                gathered.reach(name, position, patience).await.map_err(|error| error.to_string())
            }
            .boxed()
        })
    }

    /// How many events of each log are not in the one that is read.
    pub(crate) fn lags(&self) -> Lags {
        let gathered = self.gathered.clone();
        Arc::new(move || gathered.lags())
    }

    /// Ends it, so that another process may go on.
    pub(crate) async fn stop(self) {
        if let Some(gatherer) = self.gatherer {
            gatherer.stop().await;
        }
    }
}

/// How far a read log has gathered the others, whichever process does it.
pub(crate) fn gathered(house: &House, read: &EventLog) -> Gathered {
    Gathered::of(read, names(house).iter().map(|(_, name)| name.clone()))
}

/// Own logs are named by their contexts, that of bookings by its schema, which only those know who have it open.
fn names(house: &House) -> Arc<[(Context, String)]> {
    let own = house.config.logs.own().map(|context| (context, context.as_str().to_owned()));
    let main = house.log_named(LogName::MAIN).ok().map(|main| (Context::Booking, main.name().to_owned()));
    main.into_iter().chain(own).collect()
}
