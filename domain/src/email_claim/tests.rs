//! Whose an address is.

use super::{EmailClaim, EmailClaimCommand, EmailClaimError, EmailClaimEvent};
use crate::id::{MemberId, email_claim};
use crate::testing::given;

#[test]
fn an_address_belongs_to_one_member() {
    let (one, other) = (MemberId::of("one"), MemberId::of("other"));
    let claimed = EmailClaimEvent::EmailClaimed { member: one };
    given::<EmailClaim>(&[])
        .when(EmailClaimCommand::Claim { member: one })
        .then(&[claimed])
        .when(EmailClaimCommand::Claim { member: one })
        .then(&[])
        .when(EmailClaimCommand::Claim { member: other })
        .then_error(&EmailClaimError::Taken);
}

#[test]
fn only_its_member_gives_an_address_up() {
    let (one, other) = (MemberId::of("one"), MemberId::of("other"));
    let claimed = EmailClaimEvent::EmailClaimed { member: one };
    given::<EmailClaim>(&[claimed])
        .when(EmailClaimCommand::Release { member: other })
        .then(&[])
        .when(EmailClaimCommand::Release { member: one })
        .then(&[EmailClaimEvent::EmailReleased { member: one }])
        .when(EmailClaimCommand::Claim { member: other })
        .then(&[EmailClaimEvent::EmailClaimed { member: other }]);
}

#[test]
fn spellings_of_one_address_are_one_address() {
    assert_eq!(email_claim(" Pat@Example.COM"), email_claim("pat@example.com"));
    assert_ne!(email_claim("pat@example.com"), email_claim("pat@example.org"));
}
