//! The processes of one context, one after the other.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use traveladvisor_domain::context::Context;

use super::travellers::Travellers;
use crate::bus::Cluster;
use crate::child::OtherProcess;

/// The signal of a fail point.
const SIGKILL: i32 = 9;
/// A generous limit for a process to come to its point.
const DIES_AT_LAST: Duration = Duration::from_mins(3);
/// Pause between two things that travellers do while processes die.
const BETWEEN: Duration = Duration::from_millis(100);
/// Ends the lease of whoever is dead: nothing rests on the rest of it, and waiting for it would be all that this test does.
const DEAD: &str = "UPDATE owners SET held_until = clock_timestamp() WHERE held_until > clock_timestamp()";

/// A process of a context.
pub(super) struct Chain<'c> {
    pub(super) context: Context,
    cluster: &'c Cluster,
    process: OtherProcess,
    /// At which point it dies.
    dies_at: Option<String>,
    is_at_work: bool,
}

impl<'c> Chain<'c> {
    async fn start(cluster: &'c Cluster, context: Context, dies_at: Option<String>) -> Self {
        let process = cluster.start_process(context, dies_at.as_deref()).await;
        Self { context, cluster, process, is_at_work: dies_at.is_none(), dies_at }
    }

    pub(super) async fn alive(cluster: &'c Cluster, context: Context) -> Self {
        Self::start(cluster, context, None).await
    }

    /// One process after the other dies; one that lives comes last.
    pub(super) async fn suffer(cluster: &'c Cluster, context: Context, deaths: Vec<String>) -> Self {
        for death in deaths {
            Self::start(cluster, context, Some(death)).await.buried().await;
        }
        Self::alive(cluster, context).await
    }

    /// Waits until it has died at its point.
    async fn buried(mut self) {
        let dies_at = self.dies_at.take().unwrap_or_default();
        let died = tokio::time::timeout(DIES_AT_LAST, self.process.dies()).await;
        let status = died.unwrap_or_else(|_| panic!("{} never came to {dies_at}", self.context));
        assert_eq!(status.signal(), Some(SIGKILL), "{} was to die at {dies_at}", self.context);
        sqlx::query(DEAD).execute(self.cluster.logs[&self.context].pool()).await.expect("the lease is ended");
    }

    /// Has it do something; nothing when it dies before it answers.
    pub(super) async fn ask(&mut self, order: &str) -> Option<String> {
        while !self.is_at_work {
            self.is_at_work = self.process.try_answer().await? == "at work";
        }
        self.process.try_ask(order).await
    }

    pub(super) async fn ends(self) {
        self.process.ends().await;
    }
}

/// The processes of booking die one after the other, while travellers ask them; for so long as others die, the last of them is asked.
pub(super) async fn book_through<'c>(
    cluster: &'c Cluster,
    deaths: Vec<String>,
    travellers: &mut Travellers,
    others_die: impl Fn() -> bool,
) -> Chain<'c> {
    let mut deaths = VecDeque::from(deaths);
    loop {
        let dies_at = deaths.pop_front();
        let mut process = Chain::start(cluster, Context::Booking, dies_at.clone()).await;
        let asking = async {
            while dies_at.is_some() || others_die() {
                if travellers.go_on(&mut process).await.is_none() {
                    return true;
                }
                tokio::time::sleep(BETWEEN).await;
            }
            false
        };
        let is_dead = match &dies_at {
            None => asking.await,
            Some(point) => {
                let died = tokio::time::timeout(DIES_AT_LAST, asking).await;
                died.unwrap_or_else(|_| panic!("booking never came to {point}"))
            }
        };
        if !is_dead {
            return process;
        }
        process.buried().await;
    }
}
