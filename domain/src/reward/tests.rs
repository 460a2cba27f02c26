use super::{Grant, Reward, RewardCommand, RewardError, RewardEvent, TRIPS_MAX};
use crate::discount::{Off, Voucher};
use crate::failure::{Code, Failure};
use crate::id::{CampaignId, MemberId};
use crate::message::{Answer, Direction, Outcome};
use crate::money::{Currency, Money};
use crate::occasion::Occasion;
use crate::testing::samples::{NOW, booking, instant, member, pounds, voucher_id};
use crate::testing::{Story, at, given};
use crate::trip::{Step, VoucherPart};

const EXPIRES: &str = "2024-12-31T00:00:00Z";

fn campaign() -> CampaignId {
    CampaignId::of("own", "referral")
}

fn somebody_else() -> MemberId {
    MemberId::of("somebody else")
}

/// A tenth off trips of 100 pounds and more.
fn tenth() -> Voucher {
    let (minimum_total, expires_at) = (Some(pounds(10_000)), Some(instant(EXPIRES)));
    Voucher { off: Off::Percent(10), minimum_total, expires_at }
}

fn grant(member: MemberId, grant: Grant) -> RewardCommand {
    RewardCommand::Grant { member, campaign: campaign(), cause: "a friend".into(), grant }
}

fn granted(grant: Grant) -> RewardEvent {
    RewardEvent::RewardGranted { member: member(), campaign: campaign(), cause: "a friend".into(), grant }
}

fn holding(voucher: Voucher) -> Story<Reward> {
    given(&[granted(Grant::Voucher(voucher))])
}

/// A trip of 350 pounds.
fn part() -> VoucherPart {
    VoucherPart { voucher: voucher_id(), member: member(), total: pounds(35_000), discount: pounds(3_500) }
}

fn redeem_part(trip: u128, attempt: u32, part: VoucherPart) -> RewardCommand {
    RewardCommand::Redeem { booking: booking(trip), attempt, part, occasion: at(NOW) }
}

fn redeem(trip: u128, attempt: u32) -> RewardCommand {
    redeem_part(trip, attempt, part())
}

fn give_back(trip: u128, attempt: u32) -> RewardCommand {
    RewardCommand::Return { booking: booking(trip), attempt }
}

fn redeemed(trip: u128, attempt: u32) -> RewardEvent {
    RewardEvent::VoucherRedeemed { booking: booking(trip), attempt, discount: pounds(3_500) }
}

fn returned(trip: u128, attempt: u32) -> RewardEvent {
    RewardEvent::VoucherReturned { booking: booking(trip), attempt, discount: pounds(3_500) }
}

fn barred(trip: u128, attempt: u32) -> RewardEvent {
    RewardEvent::RedemptionBarred { booking: booking(trip), attempt }
}

fn repeated(trip: u128, direction: Direction, attempt: u32, outcome: Outcome) -> RewardEvent {
    let answer = Answer { step: Step::Voucher, direction, attempt, outcome };
    RewardEvent::AnswerRepeated { booking: booking(trip), answer }
}

/// The refusal that the last command led to.
fn refusal(story: &Story<Reward>) -> Failure {
    match story.events() {
        [RewardEvent::VoucherRefused { failure, .. }] => failure.clone(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_cause_is_rewarded_once_and_for_one_member() {
    let other = || Grant::Point(99);
    let story = given::<Reward>(&[])
        .when(grant(member(), Grant::Point(500)))
        .then(&[granted(Grant::Point(500))])
        .when(grant(member(), Grant::Point(500)))
        .then(&[])
        // Also when the campaign grants something else by now.
        .when(grant(member(), other()))
        .then(&[]);
    assert_eq!(story.state.member(), Some(member()));
    story.when(grant(somebody_else(), other())).then_error(&RewardError::AnotherMember);
    assert_eq!(RewardError::AnotherMember.code(), Code::AlreadyExists);
}

#[test]
fn a_voucher_makes_one_trip_cheaper_and_answers_every_attempt_of_it() {
    for grant in [Grant::Voucher(tenth()), Grant::Discount(tenth())] {
        let story = given::<Reward>(&[granted(grant)])
            .when(redeem(1, 1))
            .then(&[redeemed(1, 1)])
            .when(redeem(1, 1))
            .then(&[])
            .when(redeem(1, 2))
            .then(&[repeated(1, Direction::Request, 2, Outcome::Done)])
            .when(redeem(2, 1));
        assert_eq!(refusal(&story).code, Code::VoucherUsed);
    }
}

#[test]
fn of_twenty_trips_that_want_a_voucher_at_once_one_gets_it() {
    let mut story = holding(tenth());
    let mut winners = 0;
    for trip in 1..=20 {
        story = story.when(redeem(trip, 1));
        winners += story.events().iter().filter(|event| matches!(event, RewardEvent::VoucherRedeemed { .. })).count();
    }
    assert_eq!(winners, 1);
}

#[test]
fn a_voucher_that_came_back_serves_another_trip() {
    let story = holding(tenth())
        .when(redeem(1, 1))
        .when(give_back(1, 1))
        .then(&[returned(1, 1)])
        .when(give_back(1, 1))
        .then(&[])
        .when(give_back(1, 2))
        .then(&[repeated(1, Direction::Undo, 2, Outcome::Done)])
        .when(redeem(2, 1))
        .then(&[redeemed(2, 1)])
        // What is said once more of the first trip does not take it from the second.
        .when(give_back(1, 2))
        .then(&[])
        .when(give_back(1, 3))
        .then(&[repeated(1, Direction::Undo, 3, Outcome::Done)]);
    let story = story.when(redeem(1, 2));
    assert_eq!(refusal(&story).code, Code::Conflict, "the first trip was cancelled");
    let story = story.when(redeem(3, 1));
    assert_eq!(refusal(&story).code, Code::VoucherUsed, "the second trip has it");
}

#[test]
fn a_voucher_that_is_used_and_given_back_without_end_is_of_no_use_at_last_and_its_trips_are_still_answered() {
    let mut story = holding(tenth());
    for trip in 1..=TRIPS_MAX as u128 {
        story =
            story.when(redeem(trip, 1)).then(&[redeemed(trip, 1)]).when(give_back(trip, 1)).then(&[returned(trip, 1)]);
    }
    let one_more = TRIPS_MAX as u128 + 1;
    assert_eq!(refusal(&story.clone().when(redeem(one_more, 1))).code, Code::VoucherNotApplicable);
    story.when(give_back(1, 2)).then(&[repeated(1, Direction::Undo, 2, Outcome::Done)]);
}

#[test]
fn a_voucher_that_expired_meanwhile_comes_back_and_is_of_no_use() {
    let story = holding(tenth()).when(redeem(1, 1)).when(give_back(1, 1)).then(&[returned(1, 1)]);
    let occasion = at(EXPIRES);
    let story = story.when(RewardCommand::Redeem { booking: booking(2), attempt: 1, part: part(), occasion });
    assert_eq!(refusal(&story).code, Code::VoucherExpired);
}

#[test]
fn a_cancel_that_comes_first_bars_the_late_request_and_leaves_the_voucher_free() {
    let story =
        holding(tenth()).when(give_back(1, 1)).then(&[barred(1, 1)]).when(give_back(1, 1)).then(&[]).when(redeem(1, 1));
    assert_eq!(refusal(&story).code, Code::Conflict);
    story.when(redeem(2, 1)).then(&[redeemed(2, 1)]);
}

#[test]
fn a_refused_trip_stays_refused_and_is_undone_by_a_bar() {
    let story = holding(tenth()).when(redeem_part(1, 1, VoucherPart { discount: pounds(1), ..part() }));
    let failure = refusal(&story);
    story
        .when(redeem(1, 2))
        .then(&[repeated(1, Direction::Request, 2, Outcome::Refused(failure))])
        .when(give_back(1, 1))
        .then(&[barred(1, 1)]);
}

/// What the voucher is refused with, for a trip.
fn refused(voucher: Voucher, part: VoucherPart, occasion: Occasion) -> Code {
    let story = holding(voucher);
    let offered = story.state.offer(part.member, part.total, occasion);
    let story = story.when(RewardCommand::Redeem { booking: booking(1), attempt: 1, part, occasion });
    let failure = refusal(&story);
    // Whoever books is told the same before anything is reserved.
    assert!(offered.is_ok_and(|off| off != part.discount) || failure.code != Code::PriceChanged);
    failure.code
}

#[test]
fn a_voucher_is_refused_with_a_code_that_says_why() {
    let won = |minor| Money::new(minor, "KRW".parse::<Currency>().expect("a currency"));
    let ten_pounds = Voucher { off: Off::Amount(pounds(1_000)), minimum_total: None, expires_at: None };
    let abroad = VoucherPart { total: won(50_000), discount: won(1_000), ..part() };
    let cheap = VoucherPart { total: pounds(9_999), discount: pounds(999), ..part() };
    let cases = [
        (tenth(), VoucherPart { member: somebody_else(), ..part() }, NOW, Code::NotFound),
        (tenth(), part(), EXPIRES, Code::VoucherExpired),
        (ten_pounds, abroad, NOW, Code::CurrencyMismatch),
        (tenth(), abroad, NOW, Code::CurrencyMismatch),
        (tenth(), cheap, NOW, Code::VoucherNotApplicable),
        (tenth(), VoucherPart { discount: pounds(3_501), ..part() }, NOW, Code::PriceChanged),
    ];
    for (voucher, part, moment, code) in cases {
        assert_eq!(refused(voucher, part, at(moment)), code);
    }
    let last_moment = at("2024-12-30T23:59:59Z");
    assert_eq!(holding(tenth()).state.offer(member(), pounds(10_000), last_moment), Ok(pounds(1_000)));
}

#[test]
fn what_is_no_voucher_and_what_was_never_granted_cannot_be_used() {
    for grant in [Grant::Point(500), Grant::Gift("A mug".into())] {
        let story = given::<Reward>(&[granted(grant)]).when(redeem(1, 1));
        assert_eq!(refusal(&story).code, Code::VoucherNotApplicable);
    }
    let story = given::<Reward>(&[]).when(redeem(1, 1));
    assert_eq!(refusal(&story).code, Code::NotFound);
    // The trip stays refused although it is granted now; others may have it.
    let story = story.when(grant(member(), Grant::Voucher(tenth()))).when(redeem(1, 1)).then(&[]);
    story.when(redeem(2, 1)).then(&[redeemed(2, 1)]);
}
