//! Members with more points than any run spends.

use traveladvisor_commands::{CallerCommand, Request};
use traveladvisor_domain::id::MemberId;
use traveladvisor_domain::member::{Gender, Profile};
use traveladvisor_domain::together::Together;

use super::supply;

/// Members over whom trips are spread.
const MEMBERS: u64 = 1_000;
/// Points of each: some thirty million trips.
const POINTS: u64 = 1_000_000_000_000;

/// The request of the member whose turn it is.
pub(crate) fn asks(number: u64, request: Request) -> Request {
    Request { caller: identity(number % MEMBERS), ..request }
}

/// All of them sign up.
pub(crate) fn signed_up() -> impl Iterator<Item = Request> {
    (0..MEMBERS).map(|number| {
        let asked = Together::SignUp { identity: identity(number), profile: profile(number), referrer: None };
        asks(number, supply::request(CallerCommand::Together(asked), Some("sign up".into())))
    })
}

/// All of them get their points.
pub(crate) fn rich() -> impl Iterator<Item = Request> {
    (0..MEMBERS).map(|number| {
        let member = MemberId::of(&identity(number));
        let asked = Together::GivePoints { member, points: POINTS, reason: "to be spent on trips".into() };
        supply::request(CallerCommand::Together(asked), Some(format!("points {number}")))
    })
}

fn identity(number: u64) -> String {
    format!("member-{number}")
}

fn profile(number: u64) -> Profile {
    Profile {
        email: format!("member-{number}@example.com"),
        nickname: format!("member {number}"),
        first_name: "A.".into(),
        last_name: "Traveller".into(),
        contact_number: "+44 20 7946 0000".into(),
        gender: Gender::Undisclosed,
    }
}
