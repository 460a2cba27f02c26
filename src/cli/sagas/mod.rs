//! `sagas`: trips under way, and an operator's verbs for those that wait for one.

mod decide;
mod left;
mod list;
mod open;
mod record;
mod resolve;
mod show;

use clap::{Args, Subcommand};
use traveladvisor_domain::id::BookingId;
use traveladvisor_domain::trip_saga::attention::Verb;
use traveladvisor_infra::config::Config;
use traveladvisor_projections::reads::SagaFilter;
use traveladvisor_projections::views::SagaStatus;

use self::decide::Decision;
use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::print::Printer;
use super::signals::unless_stopped;

/// Verbs of sagas.
#[derive(Debug, Subcommand)]
pub(crate) enum SagasVerb {
    /// List them, the newest first; with --needs-attention or --fingerprint who waits longest for an operator first
    ///
    /// --json: one object a line, {"bookingId", "status", "definition", "needsAttention", "attentionSince", "fingerprint", "reason",
    /// "waitingStep", "waitingDirection": "request"|"undo", "waitingSince", "attempts", "nextWakeUp", "createdAt"}; null where there is none
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Tell the whole story of one: where it stands, what it waits for, what happened, and what can be done now
    ///
    /// --json: as `sagas list`, with {"steps": [{"name", "state", "attempts", "lastError", "startedAt", "endedAt"}],
    /// "story": [{"position", "at", "stream", "type", "summary"}], "verbs"}; verbs are the names of those that would be taken now
    Show {
        /// The trip
        booking: BookingId,
    },
    /// Try the step that waits again now
    ///
    /// --json: one object for each trip, {"bookingId", "verb", "outcome": "recorded"|"so already"|"refused"|"not taken", "position", "code",
    /// "message"}. Ends with 4 when one was refused, with 5 when one could not be taken.
    Retry(Many),
    /// Say that the charge was made, with the gateway's reference: only for a payment whose outcome is unknown
    ///
    /// --json: as `sagas retry`
    MarkDone(Marked),
    /// Say that the step does not stand: surely never charged, or given back by other means
    ///
    /// --json: as `sagas retry`
    MarkUndone(Many),
    /// Leave the step as it is: the earlier ones are still taken back, then the saga has failed
    ///
    /// --json: as `sagas retry`
    GiveUp(Many),
}

/// Which sagas. All that is given must hold.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// Only in this state: STARTED, PROCESSING, COMPENSATING, SUCCEEDED, COMPENSATED or FAILED; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Vec<SagaStatus>,
    /// Only those that need an operator
    #[arg(long)]
    needs_attention: bool,
    /// Only those that need an operator for the reason with this fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
}

/// Some trips, or all that wait for the same reason.
#[derive(Debug, Clone, Args)]
pub(crate) struct Many {
    /// The trips
    #[arg(required_unless_present = "fingerprint", conflicts_with = "fingerprint", value_name = "BOOKING")]
    bookings: Vec<BookingId>,
    /// All that wait for the reason with this fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// Only if they still wait for the reason with this fingerprint, as `sagas show` told it
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "fingerprint")]
    expecting: Option<String>,
    /// Do it without being asked, however many wait
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    signed: Signed,
}

/// One trip whose charge was made.
#[derive(Debug, Clone, Args)]
pub(crate) struct Marked {
    /// The trip
    booking: BookingId,
    /// The gateway's reference of the charge: a refund needs it
    #[arg(long, value_name = "REFERENCE")]
    reference: String,
    /// Only if it still waits for the reason with this fingerprint, as `sagas show` told it
    #[arg(long, value_name = "FINGERPRINT")]
    expecting: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

/// Who decides, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Signed {
    /// Why, and for what is marked the evidence; kept for ever, so without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides: the name of an account, letters, digits and . _ - : [default: the user's name]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

impl Which {
    fn filter(&self) -> SagaFilter {
        SagaFilter {
            status: self.status.clone(),
            needs_attention: self.needs_attention.then_some(true),
            fingerprint: self.fingerprint.clone(),
            wakes_before: None,
        }
    }
}

fn status(word: &str) -> Result<SagaStatus, String> {
    let known = || SagaStatus::ALL.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ");
    SagaStatus::from_word(&word.to_uppercase()).ok_or_else(|| format!("no such state; there are {}", known()))
}

/// Runs the verb.
pub(crate) async fn run(verb: SagasVerb, config: Config, printer: Printer) -> Result<(), Failure> {
    // What is said wrong is told before anything is opened.
    let decision = match &verb {
        SagasVerb::List { .. } | SagasVerb::Show { .. } => None,
        SagasVerb::Retry(many) => Some(Decision::of_many(Verb::Retry, many)?),
        SagasVerb::MarkUndone(many) => Some(Decision::of_many(Verb::MarkUndone, many)?),
        SagasVerb::GiveUp(many) => Some(Decision::of_many(Verb::GiveUp, many)?),
        SagasVerb::MarkDone(marked) => Some(Decision::of_one(marked)?),
    };
    let logs = [LogName::MAIN, LogName::read(&config)];
    let logs = if config.logs.are_several() { &logs[..] } else { &logs[..1] };
    let mut house = House::open(config, Schema::Expect, logs).await?;
    let done = dispatch(&mut house, verb, decision, printer).await;
    house.close().await?;
    done
}

async fn dispatch(
    house: &mut House,
    verb: SagasVerb,
    decision: Option<Decision>,
    printer: Printer,
) -> Result<(), Failure> {
    house.follow_the_logs_clock().await?;
    match (verb, decision) {
        (SagasVerb::List { which, limit }, _) => {
            unless_stopped(Box::pin(list::run(house, &which.filter(), limit, printer))).await
        }
        (SagasVerb::Show { booking }, _) => {
            unless_stopped(Box::pin(show::run(house, booking, house.clock().now(), printer))).await
        }
        (_, Some(decision)) => unless_stopped(Box::pin(resolve::run(house, decision, printer))).await,
        (_, None) => Ok(()),
    }
}
