//! `dead-letters`: messages that could not be handled, and an operator's verbs for them.

mod letter;
mod list;
mod record;
mod resolve;
mod show;

use clap::{Args, Subcommand};
use traveladvisor_api::operator_reason;
use traveladvisor_commands::LetterVerb;
use traveladvisor_domain::context::Context;
use traveladvisor_domain::id::{BookingId, LetterId};
use traveladvisor_infra::config::Config;

use self::resolve::{Decision, Target};
use super::failure::Failure;
use super::house::{House, Schema};
use super::logs::LogName;
use super::operator::actor;
use super::print::Printer;
use super::signals::unless_stopped;

/// A verb, and the log that it is about.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The log whose letters are meant, where there are several: booking, hotel, flight, car, payment or member [default: booking]
    #[arg(long, global = true, value_name = "NAME")]
    log: Option<LogName>,
    #[command(subcommand)]
    verb: DeadLettersVerb,
}

/// Verbs of dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersVerb {
    /// List them, the newest first: those that may need somebody; with --all also those that were handled since, or discarded
    ///
    /// --json: one object a line, {"letterId", "bookingId", "state": "set aside"|"retried"|"discarded", "outlook": "comes again"|
    /// "timer fires"|"saga asks again"|"payment asks again"|"handled"|"needs operator"|"discarded", "what", "code", "reason", "times",
    /// "setAsideAt", "nextWakeUp", "cause": {"stream", "sequence", "place"} or {"topic", "partition", "offset"}}; null where there is none
    List {
        /// Also those that were handled since, or discarded
        #[arg(long)]
        all: bool,
        /// Only those of this trip
        #[arg(long, value_name = "BOOKING")]
        booking: Option<BookingId>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Tell all of one: what it was, why it was set aside, what was said of it, and what can be done now
    ///
    /// --json: as `dead-letters list`, with {"history": [{"at", "position", "type", "actor", "text"}], "verbs"}; verbs are the names of those
    /// that would be taken now
    Show {
        /// The letter, such as `dead_letter_01h…`
        letter: LetterId,
    },
    /// Have the message come again now; of a timer, have it fire
    ///
    /// --json: one object for each letter, {"letterId", "verb", "outcome": "recorded"|"so already"|"refused"|"not taken", "position",
    /// "code", "message"}. Ends with 4 when one was refused, with 5 when one could not be taken.
    Retry(Many),
    /// Give the message up: it never comes again. What its trip waits for is decided with `sagas`
    ///
    /// --json: as `dead-letters retry`
    Discard(Many),
}

/// Some letters, or all that may need somebody.
#[derive(Debug, Clone, Args)]
pub(crate) struct Many {
    /// The letters
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "LETTER")]
    letters: Vec<LetterId>,
    /// All that `dead-letters list` tells
    #[arg(long)]
    all: bool,
    /// Do it without being asked, however many there are
    #[arg(long)]
    yes: bool,
    /// Why; kept for ever, so without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides: the name of an account, letters, digits and . _ - : [default: the user's name]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

impl Many {
    fn decision(&self, verb: LetterVerb) -> Result<Decision, Failure> {
        let reason =
            operator_reason(&self.reason).map_err(|error| Failure::usage(format!("--reason: {}", error.message)))?;
        let target = if self.all { Target::All { yes: self.yes } } else { Target::Letters(self.letters.clone()) };
        Ok(Decision { context: Context::Booking, target, verb, actor: actor(self.actor.as_deref())?, reason })
    }
}

/// Runs the verb.
pub(crate) async fn run(Arguments { log, verb }: Arguments, config: Config, printer: Printer) -> Result<(), Failure> {
    // What is said wrong is told before anything is opened.
    let decision = match &verb {
        DeadLettersVerb::List { .. } | DeadLettersVerb::Show { .. } => None,
        DeadLettersVerb::Retry(many) => Some(many.decision(LetterVerb::Retry)?),
        DeadLettersVerb::Discard(many) => Some(many.decision(LetterVerb::Discard)?),
    };
    let name = LogName::asked(&config, log, printer)?;
    let LogName::Of(context) = name else {
        return Err(Failure::usage(
            "--log: letters stand in the log of who could not handle their message; this one is for reading",
        ));
    };
    let mut house = House::open(config, Schema::Expect, &[name]).await?;
    let decision = decision.map(|decision| Decision { context, ..decision });
    let option = log.map_or_else(String::new, |log| format!(" --log {log}"));
    let done = dispatch(&mut house, (verb, &option), decision, printer).await;
    house.close().await?;
    done
}

async fn dispatch(
    house: &mut House,
    (verb, option): (DeadLettersVerb, &str),
    decision: Option<Decision>,
    printer: Printer,
) -> Result<(), Failure> {
    house.follow_the_logs_clock().await?;
    match (verb, decision) {
        (DeadLettersVerb::List { all, booking, limit }, _) => {
            let which = list::Which { all, booking, limit };
            unless_stopped(list::run(&house.log, &which, printer)).await
        }
        (DeadLettersVerb::Show { letter }, _) => unless_stopped(show::run(&house.log, option, letter, printer)).await,
        (_, Some(decision)) => unless_stopped(Box::pin(resolve::run(house, decision, printer))).await,
        (_, None) => Ok(()),
    }
}
