use chrono::TimeDelta;
use proptest::prelude::*;

use super::{
    Action, BUDGET_MAX, Campaign, CampaignCommand, CampaignDetails, CampaignError, CampaignEvent, CampaignStatus,
    ClosedBecause, REWARD_POINTS_MAX, RewardTerms,
};
use crate::discount::{Off, VALID_DAYS_MAX, VoucherTerms};
use crate::failure::Code;
use crate::id::{CampaignId, RewardId};
use crate::money::{Currency, Money};
use crate::occasion::Occasion;
use crate::testing::samples::{instant, pounds};
use crate::testing::{Story, given};

const OPENS: &str = "2024-12-10T00:00:00Z";
const ENDS: &str = "2024-12-20T00:00:00Z";

fn details() -> CampaignDetails {
    CampaignDetails {
        supplier: "own".into(),
        code: "welcome".into(),
        name: "Welcome".into(),
        description: "Points for signing up".into(),
        action: Action::Signup,
        reward: RewardTerms::Point(1_000),
        opens_at: instant(OPENS),
        ends_at: Some(instant(ENDS)),
        budget: None,
    }
}

fn with_budget(budget: u32) -> CampaignDetails {
    CampaignDetails { budget: Some(budget), ..details() }
}

const fn list(details: CampaignDetails) -> CampaignCommand {
    CampaignCommand::List { details }
}

fn at(moment: &str) -> Occasion {
    Occasion { at: instant(moment), entropy: 0 }
}

fn reward(number: u32) -> RewardId {
    RewardId::of(CampaignId::of("own", "welcome"), &number.to_string())
}

fn count(number: u32, moment: &str) -> CampaignCommand {
    CampaignCommand::Count { reward: reward(number), occasion: at(moment) }
}

fn counted(number: u32) -> CampaignEvent {
    CampaignEvent::RewardCounted { reward: reward(number) }
}

fn listed(details: CampaignDetails) -> Story<Campaign> {
    given(&[CampaignEvent::CampaignListed { details }])
}

const DURING: &str = "2024-12-15T12:00:00Z";
const BEFORE: &str = "2024-12-09T23:59:59Z";

const BY_HAND: CampaignEvent = CampaignEvent::CampaignClosed { because: ClosedBecause::ByHand };
const BUDGET_USED: CampaignEvent = CampaignEvent::CampaignClosed { because: ClosedBecause::BudgetUsed };

#[test]
fn a_campaign_grants_from_its_first_moment_until_just_before_its_end() {
    let campaign = listed(details()).state;
    let status = |moment| campaign.status(instant(moment));
    assert_eq!(status(BEFORE), Some(CampaignStatus::WillOpen));
    assert_eq!(status(OPENS), Some(CampaignStatus::Active));
    assert_eq!(status("2024-12-19T23:59:59Z"), Some(CampaignStatus::Active));
    assert_eq!(status(ENDS), Some(CampaignStatus::Close));
    let endless = listed(CampaignDetails { ends_at: None, ..details() }).state;
    assert_eq!(endless.status(instant("2199-01-01T00:00:00Z")), Some(CampaignStatus::Active));
    assert_eq!(Campaign::default().status(instant(OPENS)), None);
}

#[test]
fn nothing_is_granted_before_it_opens_nor_after_its_end() {
    listed(details()).when(count(1, BEFORE)).then_error(&CampaignError::NotOpen);
    listed(details()).when(count(1, ENDS)).then_error(&CampaignError::Closed);
    given::<Campaign>(&[]).when(count(1, OPENS)).then_error(&CampaignError::NotFound);
    assert_eq!(CampaignError::NotOpen.code(), Code::CampaignNotOpen);
    assert_eq!(CampaignError::Closed.code(), Code::CampaignClosed);
    // Without a budget nothing needs to be counted.
    listed(details()).when(count(1, OPENS)).then(&[]);
}

#[test]
fn a_campaign_can_be_opened_by_hand_before_its_date() {
    let open = |moment| CampaignCommand::Open { occasion: at(moment) };
    let story = listed(with_budget(5))
        .when(open(BEFORE))
        .then(&[CampaignEvent::CampaignOpened])
        .when(open(BEFORE))
        .then(&[])
        .when(count(1, BEFORE))
        .then(&[counted(1)]);
    assert_eq!(story.state.status(instant(BEFORE)), Some(CampaignStatus::Active));
    assert_eq!(story.state.status(instant(ENDS)), Some(CampaignStatus::Close), "it ends all the same");
    story.when(open(ENDS)).then_error(&CampaignError::Closed);
    listed(details()).when(open(DURING)).then(&[]);
    given::<Campaign>(&[]).when(open(DURING)).then_error(&CampaignError::NotFound);
}

#[test]
fn what_was_closed_by_hand_stays_closed() {
    let story = listed(details()).when(CampaignCommand::Close).then(&[BY_HAND]).when(CampaignCommand::Close).then(&[]);
    assert_eq!(story.state.status(instant(DURING)), Some(CampaignStatus::Close));
    story.clone().when(CampaignCommand::Open { occasion: at(DURING) }).then_error(&CampaignError::Closed);
    story.clone().when(count(1, DURING)).then_error(&CampaignError::Closed);
    // The catalogue lists it again at every import: that opens nothing.
    story.clone().when(list(details())).then(&[]);
    story.when(list(with_budget(5))).then_error(&CampaignError::Closed);
    given::<Campaign>(&[]).when(CampaignCommand::Close).then_error(&CampaignError::NotFound);
}

#[test]
fn the_last_reward_of_a_budget_closes_the_campaign() {
    let story = listed(with_budget(2))
        .when(count(1, DURING))
        .then(&[counted(1)])
        .when(count(2, DURING))
        .then(&[counted(2), BUDGET_USED])
        .when(CampaignCommand::Close)
        .then(&[]);
    assert_eq!(story.state.status(instant(DURING)), Some(CampaignStatus::Close));
    story.when(count(3, DURING)).then_error(&CampaignError::Closed);
}

#[test]
fn a_budget_can_grow_and_shrink_but_never_below_what_was_granted() {
    let story = listed(with_budget(5)).when(count(1, DURING)).when(count(2, DURING));
    story.clone().when(list(with_budget(1))).then_error(&CampaignError::BudgetBelowGranted);
    let changed = |budget| CampaignEvent::CampaignChanged { details: with_budget(budget) };
    story.clone().when(list(with_budget(6))).then(&[changed(6)]).when(count(3, DURING)).then(&[counted(3)]);
    // Nothing is left: it is closed for everybody who reads it, too.
    let story = story.when(list(with_budget(2))).then(&[changed(2), BUDGET_USED]);
    assert_eq!(story.state.status(instant(DURING)), Some(CampaignStatus::Close));
    story.when(count(3, DURING)).then_error(&CampaignError::Closed);
}

#[test]
fn what_was_granted_without_a_budget_is_not_forgotten_by_one_that_comes_later() {
    listed(details()).when(count(1, DURING)).when(list(with_budget(1))).then_error(&CampaignError::NotCounted);
    let unbounded = CampaignEvent::CampaignChanged { details: details() };
    listed(with_budget(5)).when(list(details())).then(&[unbounded]);
}

#[test]
fn a_campaign_is_listed_once_and_changed_as_a_whole() {
    let later = CampaignDetails { name: "Welcome again".into(), ..details() };
    given::<Campaign>(&[])
        .when(list(details()))
        .then(&[CampaignEvent::CampaignListed { details: details() }])
        .when(list(details()))
        .then(&[])
        .when(list(later.clone()))
        .then(&[CampaignEvent::CampaignChanged { details: later }])
        .when(list(CampaignDetails { action: Action::Review, ..details() }))
        .then_error(&CampaignError::OtherAction);
}

const fn voucher(off: Off) -> VoucherTerms {
    VoucherTerms { off, minimum_total: None, valid_days: None }
}

#[test]
fn terms_out_of_bounds_are_refused_with_the_field_at_fault() {
    let of = |reward| CampaignDetails { reward, ..details() };
    let ten = voucher(Off::Percent(10));
    let won = Money::new(5_000, "KRW".parse::<Currency>().expect("a currency"));
    let vouchers = [
        (voucher(Off::Percent(0)), CampaignError::Percent),
        (voucher(Off::Percent(101)), CampaignError::Percent),
        (voucher(Off::Amount(pounds(0))), CampaignError::Amount),
        (voucher(Off::Amount(pounds(-1))), CampaignError::Amount),
        (VoucherTerms { minimum_total: Some(pounds(-1)), ..ten }, CampaignError::Amount),
        (VoucherTerms { minimum_total: Some(won), ..voucher(Off::Amount(pounds(1))) }, CampaignError::Currencies),
        (VoucherTerms { valid_days: Some(0), ..ten }, CampaignError::ValidDays),
        (VoucherTerms { valid_days: Some(VALID_DAYS_MAX + 1), ..ten }, CampaignError::ValidDays),
    ];
    let both = |(terms, error)| [(of(RewardTerms::Voucher(terms)), error), (of(RewardTerms::Discount(terms)), error)];
    let others = [
        (CampaignDetails { ends_at: Some(instant(OPENS)), ..details() }, CampaignError::EndsBeforeItBegins),
        (CampaignDetails { ends_at: Some(instant(BEFORE)), ..details() }, CampaignError::EndsBeforeItBegins),
        (with_budget(0), CampaignError::Budget),
        (with_budget(BUDGET_MAX + 1), CampaignError::Budget),
        (of(RewardTerms::Point(0)), CampaignError::Points),
        (of(RewardTerms::Point(REWARD_POINTS_MAX + 1)), CampaignError::Points),
    ];
    for (details, error) in vouchers.into_iter().flat_map(both).chain(others) {
        given::<Campaign>(&[]).when(list(details.clone())).then_error(&error);
        listed(with_budget(7)).when(list(details)).then_error(&error);
        assert!(matches!(error.field(), "reward" | "endsAt" | "budget"), "{error:?}");
        let code = if error == CampaignError::Currencies { Code::CurrencyMismatch } else { Code::InvalidInput };
        assert_eq!(error.code(), code);
    }
}

#[test]
fn terms_at_their_bounds_are_listed() {
    let of = |reward| CampaignDetails { reward, ..details() };
    let bounds = [
        of(RewardTerms::Point(1)),
        of(RewardTerms::Point(REWARD_POINTS_MAX)),
        of(RewardTerms::Voucher(voucher(Off::Percent(100)))),
        of(RewardTerms::Discount(VoucherTerms {
            off: Off::Amount(pounds(1)),
            minimum_total: Some(pounds(0)),
            valid_days: Some(VALID_DAYS_MAX),
        })),
        of(RewardTerms::Gift("A mug".into())),
        with_budget(1),
        with_budget(BUDGET_MAX),
    ];
    for details in bounds {
        given::<Campaign>(&[])
            .when(list(details.clone()))
            .then(&[CampaignEvent::CampaignListed { details: details.clone() }]);
    }
}

/// What people do with a campaign, in any order and at any time.
fn act(verb: u8, number: u32, hours: i64) -> CampaignCommand {
    let occasion = Occasion { at: instant(BEFORE) + TimeDelta::hours(hours), entropy: 0 };
    match verb {
        0 => CampaignCommand::Open { occasion },
        1 => list(with_budget(number)),
        2 => CampaignCommand::Close,
        _ => CampaignCommand::Count { reward: reward(number), occasion },
    }
}

proptest! {
    #[test]
    fn never_more_rewards_are_counted_than_the_budget_has(
        acts in prop::collection::vec((0..20u8, 1..8u32, -48..300i64), 1..60)
    ) {
        let mut campaign = listed(with_budget(4)).state;
        let (mut budget, mut granted, mut closed) = (4, 0, false);
        for (verb, number, hours) in acts {
            let command = act(verb, number, hours);
            for event in campaign.decide(command).unwrap_or_default() {
                prop_assert!(!closed, "nothing happens to a campaign that is closed");
                match &event {
                    CampaignEvent::RewardCounted { .. } => granted += 1,
                    CampaignEvent::CampaignChanged { details } => budget = details.budget.expect("a budget"),
                    CampaignEvent::CampaignClosed { .. } => closed = true,
                    _ => {}
                }
                prop_assert!(granted <= budget);
                campaign.apply(&event);
            }
        }
    }
}
