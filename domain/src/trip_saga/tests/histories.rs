//! Golden histories: what sagas of every definition have written, replayed by every later build. See `domain/histories/README.md`.

mod recorded;
mod told;

use std::fs;

use recorded::{Affairs, History, folder, of_definition};
use told::all as told;

use super::{asked, assert_ended_as, card};
use crate::address::address;
use crate::aggregate::{Command, Event};
use crate::message::{Direction, messages};
use crate::occasion::Occasion;
use crate::testing::world::{Cause, trip};
use crate::trip::Step;
use crate::trip_saga::attention::{OperatorDecision, Resolution};
use crate::trip_saga::steps::{CURRENT, DEFINITIONS, Definition, Policy, TRIES_BEFORE_ATTENTION};
use crate::trip_saga::{Awaiting, Backward, Forward, TripSaga, TripSagaCommand, TripSagaError, TripSagaEvent};

/// Runs a check with every history; the file's name is told when it fails.
fn each(check: impl Fn(&History)) {
    for definition in &DEFINITIONS {
        let histories = of_definition(definition.version);
        assert!(histories.len() > 20, "definition {} has too few histories", definition.version);
        for (name, history) in histories {
            assert_eq!(history.definition, definition.version, "{name}");
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&history)));
            assert!(checked.is_ok(), "definition {}: {name}", definition.version);
        }
    }
}

#[test]
fn what_happened_still_means_the_same() {
    each(|history| assert_eq!(Affairs::of(&history.world()), history.affairs));
}

/// What the saga was told, as it was told then.
fn command_of(history: &History, place: usize) -> TripSagaCommand {
    let decision = &history.decisions[place];
    let occasion = Occasion { at: decision.at, entropy: decision.entropy };
    match &decision.cause {
        Cause::Message(from) => {
            let (stream, event) = &history.events[*from];
            let sent = messages(*stream, event).into_iter().filter_map(|message| address(&message, occasion));
            let for_the_saga = |command| if let Command::TripSaga(command) = command { Some(command) } else { None };
            let commands: Vec<TripSagaCommand> = sent.filter_map(|addressed| for_the_saga(addressed.command)).collect();
            let [command] = &commands[..] else { panic!("not for the saga: {commands:?}") };
            command.clone()
        }
        Cause::Timer => TripSagaCommand::Wake { occasion },
        Cause::Operator { verb, reference } => {
            let (actor, reason) = match &history.events[place].1 {
                Event::TripSaga(TripSagaEvent::Resolved { actor, reason, .. }) => (actor.clone(), reason.clone()),
                other => panic!("not resolved: {other:?}"),
            };
            let resolution = match (verb.as_str(), reference) {
                ("retry", _) => Resolution::Retry,
                ("mark-done", Some(reference)) => Resolution::MarkDone { reference: reference.clone() },
                ("mark-undone", _) => Resolution::MarkUndone,
                ("give-up", _) => Resolution::GiveUp,
                other => panic!("no such verb: {other:?}"),
            };
            TripSagaCommand::Resolve {
                decision: OperatorDecision { resolution, fingerprint: None, actor, reason },
                occasion,
            }
        }
        other => panic!("no cause for a saga: {other:?}"),
    }
}

#[test]
fn a_saga_decides_today_what_it_decided_then() {
    each(|history| {
        let mut saga = TripSaga::default();
        for (place, (_, event)) in history.events.iter().enumerate() {
            let Event::TripSaga(event) = event else { continue };
            let mut decided = saga.decide(command_of(history, place)).expect("decided then");
            // A new saga starts with the latest definition; what it starts with is otherwise the same.
            if let [TripSagaEvent::SagaStarted { version, sends, .. }] = &mut decided[..] {
                *version = history.definition;
                // The first definition knows no deadline.
                sends.answer_by = sends.answer_by.filter(|_| history.definition > 1);
            }
            assert_eq!(decided, std::slice::from_ref(event), "event {place}");
            saga.apply(event);
        }
    });
}

#[test]
fn a_saga_half_way_ends_on_the_definition_that_it_started_with() {
    each(|history| {
        let mut world = history.world();
        if matches!(world.saga(), TripSaga::Succeeded { .. } | TripSaga::Compensated { .. } | TripSaga::Failed { .. }) {
            return;
        }
        // The first definition knows no deadline and calls no operator, the second does both.
        let is_first = history.definition == 1;
        for direction in [Direction::Request, Direction::Undo] {
            world.faults.insert((Step::Approve, direction), TRIES_BEFORE_ATTENTION + 1);
        }
        let mut calls = 0;
        while world.deliver(0) || world.wake() {
            let (TripSaga::Forward(Forward { awaiting, attention, .. })
            | TripSaga::Backward(Backward { awaiting, attention, .. })) = world.saga()
            else {
                continue;
            };
            calls += usize::from(attention.is_some());
            assert!(!matches!(awaiting, Awaiting::Answer { by } if by.is_none() != is_first), "{awaiting:?}");
        }
        // Where the booking has answered already, nobody needs to be called about it.
        let is_answered = matches!(history.events.last(), Some((_, Event::Booking(_))));
        assert_eq!(calls == 0, is_first || is_answered, "an operator is called by the second definition alone");
        assert_ended_as(&world, &history.plan());
    });
}

#[test]
fn a_saga_of_a_later_definition_is_left_to_a_later_program() {
    const LATER: u32 = 99;
    let mut world = asked([true; 3], card());
    world.deliver(0);
    let Some((_, Event::TripSaga(event))) = world.log.last().cloned() else { panic!("not started") };
    let TripSagaEvent::SagaStarted { definition, steps, plan, sends, .. } = event else { panic!("not started") };
    let mut saga = TripSaga::default();
    saga.apply(&TripSagaEvent::SagaStarted { definition, version: LATER, steps, plan, sends });
    let occasion = Occasion { at: world.now, entropy: 0 };
    let (actor, reason) = ("operator".to_owned(), "why not".to_owned());
    for command in [
        TripSagaCommand::Wake { occasion },
        TripSagaCommand::Cancel { occasion },
        TripSagaCommand::Resolve {
            decision: OperatorDecision { resolution: Resolution::Retry, fingerprint: None, actor, reason },
            occasion,
        },
    ] {
        assert_eq!(saga.decide(command), Err(TripSagaError::UnknownDefinition(LATER)), "it is not guessed at");
    }
}

/// The tables as they were published. A line is never changed: a saga may still follow it. A new definition adds lines.
const PUBLISHED: &str = "\
1 hotel request tries 3 attention - answer -, undo tries - attention - answer -
1 flight request tries 3 attention - answer -, undo tries - attention - answer -
1 car request tries 3 attention - answer -, undo tries - attention - answer -
1 payment request tries 3 attention - answer -, undo tries - attention - answer -
1 approve request tries - attention - answer -, undo tries - attention - answer -
2 hotel request tries 3 attention - answer 60, undo tries - attention 5 answer 60
2 flight request tries 3 attention - answer 60, undo tries - attention 5 answer 60
2 car request tries 3 attention - answer 60, undo tries - attention 5 answer 60
2 payment request tries 3 attention 3 answer 300, undo tries - attention 5 answer 300
2 approve request tries - attention 5 answer 60, undo tries - attention 5 answer 60
3 voucher request tries 3 attention - answer 60, undo tries - attention 5 answer 60
3 hotel request tries 3 attention - answer 60, undo tries - attention 5 answer 60
3 flight request tries 3 attention - answer 60, undo tries - attention 5 answer 60
3 car request tries 3 attention - answer 60, undo tries - attention 5 answer 60
3 payment request tries 3 attention 3 answer 300, undo tries - attention 5 answer 300
3 approve request tries - attention 5 answer 60, undo tries - attention 5 answer 60
";

#[test]
fn a_published_definition_never_changes() {
    let or_none = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let policy = |policy: Policy| {
        let tries = or_none(policy.tries_max.map(i64::from));
        let attention = or_none(policy.attention_after.map(i64::from));
        let answer = or_none(policy.answer_within.map(|within| within.num_seconds()));
        format!("tries {tries} attention {attention} answer {answer}")
    };
    let steps = [Step::Voucher, Step::Hotel, Step::Flight, Step::Car, Step::Payment, Step::Approve];
    // Only the third definition knows vouchers: the row of the others asks for nothing.
    let knows = |version: u32, step: Step| version > 2 || step != Step::Voucher;
    let line = |version: u32, step: Step| {
        let row = Definition::of(version).expect("published").row(step);
        assert_eq!(row.step, step);
        let name = step.as_str();
        format!("{version} {name} request {}, undo {}\n", policy(row.request), policy(row.undo))
    };
    let table = DEFINITIONS.iter().flat_map(|definition| steps.map(|step| (definition.version, step)));
    let table: String =
        table.filter(|(version, step)| knows(*version, *step)).map(|(version, step)| line(version, step)).collect();
    assert_eq!(table, PUBLISHED);
}

/// Writes what is missing for the latest definition; see the README beside the histories.
#[test]
#[ignore = "writes files: RECORD=1 cargo test -p traveladvisor-domain -- --ignored record_histories"]
fn record_histories() {
    if std::env::var_os("RECORD").is_none() {
        return;
    }
    for (name, world) in told() {
        let path = folder(CURRENT.version).join(format!("{name}.json"));
        if !path.exists() {
            fs::create_dir_all(folder(CURRENT.version)).expect("a folder");
            fs::write(path, History::of(&world, CURRENT.version).written()).expect("written");
        }
    }
}

#[test]
fn every_history_that_can_be_told_is_recorded() {
    let recorded: Vec<String> = of_definition(CURRENT.version).into_iter().map(|(name, _)| name).collect();
    for (name, _) in told() {
        assert!(recorded.contains(&name), "{name} is not recorded: see domain/histories/README.md");
    }
}
