//! The whole state space of a trip's saga (L14), within named bounds: every order of everything that can happen, held against every
//! [`Promise`]. What can happen: success, refusal, a dead letter before or after a message was handled, a deadline and then the late
//! answer, every message again at any later time (which is what a crash comes to: the log delivers again what it had delivered), a gateway
//! that fails, loses or does without a word, the traveller's cancellation, failing undos, and an operator's verbs.
//!
//! The explorer is our own. Stateright 0.31 was looked at: its properties are `always`, `sometimes` and `eventually` along a path, so it
//! cannot say that from every state an end can be reached; it knows a visited state by a 64-bit hash only; and it brings a web server.

mod gateway;
mod interned;
mod model;
mod search;
mod seeded;
mod sold_out;
mod stored;
mod told;
mod witness;

use std::io::Write;

use model::Bounds;
use search::{Explored, explore};
use seeded::Bug;
use witness::Promise;

use super::{card, plan, subsets};
use crate::testing::samples::{earning, points, with_voucher};
use crate::trip::{PaymentPlan, TripPlan};
use crate::trip_saga::steps::{CURRENT, PIVOT, SHORT, TRIES_BEFORE_ATTENTION};

/// Troubles of one trip, each of its own.
const TROUBLES: u8 = 2;
/// Troubles that last until the tries are used up and an operator is called, with the shortest definition.
const OUTAGES: u8 = 1;
/// Tries that an outage lasts with the shortest definition: after them an operator is called.
const OUTAGE_TRIES: u32 = 2;
/// Dead letters that are delivered again.
const LETTERS: u8 = 1;
/// Verbs of an operator.
const VERBS: u8 = 1;

/// How much trouble the longer exploration has beyond this: the environment variable `EXPLORE`, 1 by default. A long run that was mistyped
/// must not pass as a short one.
fn more() -> u8 {
    std::env::var("EXPLORE").map_or(1, |text| text.parse().expect("EXPLORE is a number"))
}

/// Said also when all is well, and by every test runner: the macros would be silent.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("somebody listens");
}

fn bounds(definition: u32, troubles_max: u8, outage_tries: u32) -> Bounds {
    Bounds {
        plan: plan([true; 3], card()),
        definition,
        troubles_max,
        outage_tries,
        letters_max: LETTERS,
        verbs_max: VERBS,
        may_cancel: true,
        bug: None,
    }
}

/// Explores every non-empty subset of parts, paid by card and at the counter, and trips of a member: on two threads.
fn explore_all(title: &str, bounds: &Bounds) {
    let all = std::thread::scope(|threads| {
        let others = threads.spawn(|| {
            let at_the_counter = subsets().map(|subset| plan(subset, PaymentPlan::None));
            explore_each(title, bounds, at_the_counter.chain(of_a_member(bounds)))
        });
        let by_card = explore_each(title, bounds, subsets().map(|subset| plan(subset, card())));
        others.join().expect("every promise holds").and(by_card)
    });
    let Explored { states, transitions, ends } = all;
    say(&format!("{title}: {states} states, {transitions} transitions, {ends} ends in all; every promise holds"));
}

/// What only a member can book: with points, with a voucher, for points. How a trip is paid and what it brings does not depend on how many
/// parts it has, so one will do. Trips of the first two definitions are of before there were members.
fn of_a_member(bounds: &Bounds) -> Vec<TripPlan> {
    if bounds.definition < CURRENT.version {
        return Vec::new();
    }
    let trip = |payment| plan([true, false, false], payment);
    vec![trip(points()), with_voucher(trip(points())), earning(trip(card()))]
}

fn explore_each(title: &str, bounds: &Bounds, plans: impl Iterator<Item = TripPlan>) -> Explored {
    let mut all = Explored::default();
    for plan in plans {
        let name = format!("{title}: {}", named(&plan));
        let explored = match explore(Bounds { plan, ..bounds.clone() }, None) {
            Ok(explored) => explored,
            Err(broken) => panic!("{name}: {:?} is broken:\n  {}", broken.promise, broken.path.join("\n  ")),
        };
        let Explored { states, transitions, ends } = explored;
        say(&format!("{name}: {states} states, {transitions} transitions, {ends} ends"));
        all = all.and(explored);
    }
    all
}

/// A trip in a few words.
fn named(plan: &TripPlan) -> String {
    let steps = CURRENT.steps_of(plan);
    let parts: Vec<&str> = steps.iter().filter(|step| **step < PIVOT).map(|step| step.as_str()).collect();
    let paid = match plan.payment {
        PaymentPlan::Card(_) => "card",
        PaymentPlan::Redeem(_) | PaymentPlan::Points => "points",
        PaymentPlan::None => "none",
    };
    let brings = if plan.earns.is_some() { ", brings points" } else { "" };
    format!("{} {paid}{brings}", parts.join("+"))
}

#[test]
fn in_every_order_of_any_two_troubles_everything_stands_or_nothing_does() {
    explore_all("two troubles", &bounds(CURRENT.version, TROUBLES, 1));
}

#[test]
fn in_every_outage_an_operator_is_called_and_every_verb_leads_to_an_end() {
    explore_all("an outage", &bounds(SHORT.version, OUTAGES, OUTAGE_TRIES));
}

#[test]
fn a_trip_of_the_first_definition_still_ends_in_every_order() {
    explore_all("the first definition", &bounds(1, TROUBLES - 1, 1));
}

#[test]
#[ignore = "long: just explore"]
fn in_every_order_of_still_more_troubles_everything_stands_or_nothing_does() {
    let more = more();
    explore_all("outages of the full length", &bounds(CURRENT.version, more, TRIES_BEFORE_ATTENTION));
    explore_all("more troubles of the first definition", &bounds(1, TROUBLES - 1 + more, 1));
    explore_all("more troubles", &bounds(CURRENT.version, TROUBLES + more, 1));
    // Two outages already have tens of millions of states.
    if more > 1 {
        let verbs_max = VERBS + 1;
        explore_all("more outages", &Bounds { verbs_max, ..bounds(SHORT.version, OUTAGES + more - 1, OUTAGE_TRIES) });
    }
}

#[test]
fn each_of_seven_seeded_bugs_is_found() {
    let two = |payment| plan([true, true, false], payment);
    let seeded = [
        (Bug::LateSuccessIgnored, Promise::AllOrNothing, two(card())),
        (Bug::UndoOrderSwapped, Promise::ExactReverse, two(card())),
        (Bug::PivotIgnored, Promise::NothingAfterThePivot, two(card())),
        (Bug::DuplicateCounted, Promise::NothingTwice, two(card())),
        (Bug::TimerForgotten, Promise::NoDeadEnd, two(card())),
        (Bug::PointsTakenAgain, Promise::OneCharge, two(points())),
        (Bug::EarningKept, Promise::AllOrNothing, earning(two(card()))),
    ];
    for (bug, promise, plan) in seeded {
        let one_trouble = Bounds { plan, ..bounds(CURRENT.version, 1, 1) };
        let buggy = Bounds { bug: Some(bug), ..one_trouble };
        match explore(buggy, Some(promise)) {
            Err(broken) => {
                assert_eq!(broken.promise, promise);
                say(&format!("{bug:?}: {promise:?} is broken after {} actions", broken.path.len()));
            }
            Ok(explored) => panic!("{bug:?} was not found in {} states", explored.states),
        }
    }
}
