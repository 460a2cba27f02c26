//! Whether a process can do what its roles are for.

use std::sync::{Arc, Weak};

use futures::FutureExt;
use tokio::time::Instant;
use traveladvisor_api::Readiness;
use traveladvisor_infra::config::Role;
use traveladvisor_infra::event_log::{CLAIM_EVERY, EventLog, GATHER, PROJECTIONS, RELAY, UNHELD_PATIENCE};
use traveladvisor_projections::runtime::{ProjectionState, Projectors};

use crate::cli::house::House;
use crate::cli::logs::LogName;

/// What must have an owner on a log, whichever process that is.
type Duty = (EventLog, &'static [&'static str]);

/// Tells it for a process with these parts.
pub(super) fn readiness(
    house: &House,
    projectors: Weak<Projectors>,
    (engines_work, engines_know): (
        impl Fn() -> bool + Send + Sync + 'static,
        impl Fn() -> bool + Send + Sync + 'static,
    ),
) -> Readiness {
    let started = Instant::now();
    let duties: Arc<[Duty]> = duties(house).into();
    Arc::new(move || {
        let (duties, projectors) = (duties.clone(), projectors.clone());
        let (engines_work, engines_know) = (engines_work(), engines_know());
        async move {
            if !engines_work {
                return Err("the engine has broken off: see the log, then restart".to_owned());
            }
            if !engines_know {
                return Err("what other logs have told is not read yet: the broker is asked for it".to_owned());
            }
            for duty in &*duties {
                owned(duty, started).await?;
            }
            let Some(projectors) = projectors.upgrade() else { return Err("the program stops".to_owned()) };
            let bad = projectors.status().into_iter().find(|status| {
                matches!(status.state, ProjectionState::Stopped | ProjectionState::Deposed | ProjectionState::Ended)
            });
            bad.map_or(Ok(()), |status| Err(format!("the projection {} is {}", status.name, status.state.as_str())))
        }
        .boxed()
    })
}

/// What somebody of this process's roles has to do on each of its logs.
fn duties(house: &House) -> Vec<Duty> {
    let config = &house.config;
    let delivers =
        |name: &LogName| matches!(name, LogName::Of(context) if config.decides(*context) || config.has(Role::Relay));
    let folds = |name: &LogName| *name == LogName::read(config) && config.has(Role::Projections);
    let of = |name: &LogName| -> &'static [&'static str] {
        match (delivers(name), folds(name)) {
            (true, true) => &[PROJECTIONS, RELAY],
            (true, false) => &[RELAY],
            (false, true) => &[GATHER, PROJECTIONS],
            (false, false) => &[],
        }
    };
    house.logs().iter().map(|(name, log)| (log.clone(), of(name))).collect()
}

/// An error when nobody delivers, or nobody folds, and nobody has for long: commands would be taken and never end. Between two owners, and
/// while this process is young, that is nothing to tell.
async fn owned((log, names): &Duty, started: Instant) -> Result<(), String> {
    let unheld = async || {
        let unheld = log.unheld().await.map_err(|_| "the database does not answer".to_owned())?;
        Ok::<_, String>(unheld.into_iter().find(|name| names.contains(&name.as_str())))
    };
    if unheld().await?.is_none() || started.elapsed() < UNHELD_PATIENCE {
        return Ok(());
    }
    tokio::time::sleep(CLAIM_EVERY * 2).await;
    match unheld().await? {
        None => Ok(()),
        Some(name) => Err(format!("no process can become the owner of {name}: see the log")),
    }
}
