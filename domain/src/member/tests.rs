//! Signing up, changing a profile, leaving.

use super::{Gender, Member, MemberCommand, MemberError, MemberEvent, Profile, ProfileChanges};
use crate::id::MemberId;
use crate::personal::Personal;
use crate::testing::given;

const IDENTITY: &str = "https://issuer.example#pat";

fn profile() -> Profile {
    Profile {
        email: "Pat@Example.com".into(),
        nickname: "pat".into(),
        first_name: "Pat".into(),
        last_name: "Example".into(),
        contact_number: "+44 20 7946 0000".into(),
        gender: Gender::Undisclosed,
    }
}

fn personal(value: Profile) -> Personal<Profile> {
    Personal { subject: MemberId::of(IDENTITY).to_string(), value }
}

fn sign_up() -> MemberCommand {
    MemberCommand::SignUp { identity: IDENTITY.into(), profile: profile(), referrer: None }
}

fn signed_up() -> MemberEvent {
    MemberEvent::MemberSignedUp { identity: IDENTITY.into(), profile: personal(profile()), referrer: None }
}

#[test]
fn an_identity_signs_up_once() {
    given::<Member>(&[]).when(sign_up()).then(&[signed_up()]);
    given::<Member>(&[signed_up()]).when(sign_up()).then_error(&MemberError::AlreadySignedUp);
}

#[test]
fn a_member_that_left_does_not_come_back() {
    let closed = MemberEvent::MemberClosed { reason: None };
    let story =
        given::<Member>(&[signed_up()]).when(MemberCommand::Close { reason: None }).then(std::slice::from_ref(&closed));
    story.when(MemberCommand::Close { reason: None }).then(&[]);
    given::<Member>(&[signed_up(), closed]).when(sign_up()).then_error(&MemberError::Closed);
}

#[test]
fn what_does_not_change_is_neither_changed_nor_stored_again() {
    let patty = ProfileChanges { nickname: Some("patty".into()), ..ProfileChanges::default() };
    let asked = ProfileChanges { email: Some(profile().email), ..patty.clone() };
    let subject = MemberId::of(IDENTITY).to_string();
    let story = given::<Member>(&[signed_up()])
        .when(MemberCommand::ChangeProfile { changes: asked.clone() })
        .then(&[MemberEvent::ProfileChanged { changes: Personal { subject, value: patty } }])
        .when(MemberCommand::ChangeProfile { changes: asked })
        .then(&[]);
    let Member::Active { profile: now } = story.state else { panic!("a member") };
    assert_eq!(now.value, Profile { nickname: "patty".into(), ..profile() });
}

#[test]
fn nobody_changes_or_closes_what_is_not_there() {
    let changes = ProfileChanges::default();
    given::<Member>(&[]).when(MemberCommand::ChangeProfile { changes }).then_error(&MemberError::NotFound);
    given::<Member>(&[]).when(MemberCommand::Close { reason: None }).then_error(&MemberError::NotFound);
}
