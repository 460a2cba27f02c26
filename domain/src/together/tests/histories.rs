//! Random histories of a programme: whoever asks for what in whatever order, each member, address and reward is there once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{Log, campaign, details, profile};
use crate::aggregate::{Aggregate, Event};
use crate::campaign::{Action, CampaignDetails, CampaignEvent, CampaignStatus, RewardTerms};
use crate::discount::{Off, VoucherTerms};
use crate::email_claim::EmailClaimEvent;
use crate::id::{CampaignId, MemberId, RewardId, StreamId, programme};
use crate::member::{MemberEvent, ProfileChanges};
use crate::points_account::{EarnedFor, PointsAccountEvent};
use crate::reward::{Grant, RewardEvent};
use crate::testing::samples::instant;
use crate::together::Together;

/// Campaigns, identities, addresses and causes there are.
const CODES: [&str; 4] = ["a", "b", "c", "d"];
const PEOPLE: u8 = 4;
const ADDRESSES: u8 = 3;
const CAUSES: u8 = 3;
/// Days over which it happens; campaigns open and end within.
const DAYS: i64 = 20;

fn moment(day: i64) -> DateTime<Utc> {
    instant("2024-12-01T12:00:00Z") + TimeDelta::days(day)
}

fn person(number: u8) -> String {
    format!("person {number}")
}

fn address(number: u8) -> String {
    // Another spelling is the same address.
    if number.is_multiple_of(2) {
        format!("A{}@Example.com ", number / 2)
    } else {
        format!("a{}@example.com", number / 2)
    }
}

#[derive(Debug, Clone)]
struct Act {
    verb: u8,
    who: u8,
    other: u8,
    address: u8,
    campaign: usize,
    cause: u8,
    budget: Option<u32>,
    span: (i64, i64),
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let numbers = (0..PEOPLE, 0..PEOPLE + 1, 0..2 * ADDRESSES, 0..CODES.len(), 0..CAUSES);
    let act = (0..16u8, numbers, prop::option::of(1..5u32), (0..DAYS, 1..DAYS)).prop_map(
        |(verb, (who, other, address, campaign, cause), budget, span)| Act {
            verb,
            who,
            other,
            address,
            campaign,
            cause,
            budget,
            span,
        },
    );
    prop::collection::vec((0..DAYS, act), 1..60).prop_map(|mut acts| {
        acts.sort_by_key(|(day, _)| *day);
        acts
    })
}

/// Of the campaigns, as their codes stand.
const ACTIONS: [Action; 4] = [Action::Signup, Action::Referral, Action::Review, Action::Signup];

fn listed(act: &Act) -> CampaignDetails {
    let (opens, lasts) = act.span;
    let action = ACTIONS[act.campaign];
    let reward = match act.campaign {
        3 => RewardTerms::Voucher(VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: Some(30) }),
        _ => RewardTerms::Point(100),
    };
    CampaignDetails {
        opens_at: moment(opens),
        ends_at: Some(moment(opens + lasts)),
        budget: act.budget,
        ..details(CODES[act.campaign], action, reward)
    }
}

/// Of a sign-up and a referral there is one that fits.
fn cause(act: &Act) -> String {
    match ACTIONS[act.campaign] {
        Action::Signup => MemberId::of(&person(act.who)).to_string(),
        Action::Referral => MemberId::of(&person(act.other)).to_string(),
        Action::Review => format!("cause {}", act.cause),
    }
}

fn asked(act: &Act) -> Together {
    let (member, id) = (MemberId::of(&person(act.who)), campaign(CODES[act.campaign]));
    match act.verb {
        0..5 => {
            let referrer = (act.other < PEOPLE).then(|| MemberId::of(&person(act.other)));
            let profile = profile(&address(act.address));
            Together::SignUp { identity: person(act.who), profile, referrer }
        }
        5 => {
            let changes = ProfileChanges { email: Some(address(act.address)), ..ProfileChanges::default() };
            Together::ChangeProfile { member, changes }
        }
        6 if act.cause == 0 => Together::CloseMember { member, reason: None },
        6..10 => Together::GrantReward { member, campaign: id, cause: cause(act) },
        10 => Together::GivePoints { member, points: 7, reason: "a gesture".into() },
        11 if act.cause == 0 => Together::CloseCampaign { campaign: id },
        11 | 12 => Together::OpenCampaign { campaign: id },
        _ => Together::ListCampaign(listed(act)),
    }
}

/// What an onlooker knows of it all.
#[derive(Default)]
struct Onlooker {
    members: BTreeSet<MemberId>,
    addresses: BTreeMap<StreamId, MemberId>,
    rewards: BTreeMap<StreamId, (MemberId, Grant)>,
    earned: BTreeMap<StreamId, u32>,
    counted: BTreeMap<StreamId, u32>,
    balances: BTreeMap<StreamId, i128>,
}

impl Onlooker {
    fn see(&mut self, stream: StreamId, event: &Event) {
        match event {
            Event::Member(MemberEvent::MemberSignedUp { .. }) => {
                assert!(self.members.insert(MemberId(stream.uuid)), "an identity signs up once");
            }
            Event::EmailClaim(EmailClaimEvent::EmailClaimed { member }) => {
                assert_eq!(self.addresses.insert(stream, *member), None, "an address is one member's");
            }
            Event::EmailClaim(EmailClaimEvent::EmailReleased { member }) => {
                assert_eq!(self.addresses.remove(&stream), Some(*member), "its own");
            }
            Event::Reward(RewardEvent::RewardGranted { member, campaign, cause, grant }) => {
                assert_eq!(RewardId::of(*campaign, cause).stream(), stream);
                assert_eq!(self.rewards.insert(stream, (*member, grant.clone())), None, "a reward once for a cause");
            }
            Event::Campaign(CampaignEvent::RewardCounted { .. }) => *self.counted.entry(stream).or_default() += 1,
            Event::PointsAccount(event) => self.see_points(stream, event),
            _ => {}
        }
    }

    fn see_points(&mut self, account: StreamId, event: &PointsAccountEvent) {
        let balance = self.balances.entry(account).or_default();
        match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                *balance += i128::from(*points);
                if let EarnedFor::Campaign { reward, .. } = earned_for {
                    *self.earned.entry(reward.stream()).or_default() += 1;
                }
            }
            PointsAccountEvent::AccountClosed { expired, .. } => *balance -= i128::from(*expired),
            other => panic!("no trip was booked: {other:?}"),
        }
        assert!(*balance >= 0);
    }

    /// Each reward in points came to its member once, and no other points came of campaigns.
    fn assert_earned(&self) {
        let of_points = |(stream, (_, grant)): (&StreamId, &(MemberId, Grant))| {
            matches!(grant, Grant::Point(_)).then_some((*stream, 1))
        };
        assert_eq!(self.earned, self.rewards.iter().filter_map(of_points).collect());
    }
}

/// Nothing is granted by a campaign that does not grant at that moment.
fn assert_open(before: &BTreeMap<StreamId, Aggregate>, now: DateTime<Utc>, campaign: CampaignId) {
    match before.get(&campaign.stream()) {
        Some(Aggregate::Campaign(it)) => assert_eq!(it.status(now), Some(CampaignStatus::Active)),
        other => panic!("no campaign: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whoever_asks_for_what_each_reward_is_granted_once_and_each_address_has_one_member(acts in acts()) {
        let (mut log, mut onlooker) = (Log::default(), Onlooker::default());
        for (day, act) in acts {
            let (now, asked) = (moment(day).to_rfc3339(), asked(&act));
            let before = log.0.clone();
            let first = log.ask_with_streams(&now, &asked);
            for (stream, event) in first.iter().flatten() {
                if let Event::Reward(RewardEvent::RewardGranted { campaign, .. }) = event {
                    assert_open(&before, moment(day), *campaign);
                }
                onlooker.see(*stream, event);
            }
            if first.is_err() {
                prop_assert!(log.0.iter().all(|(stream, state)| before.get(stream).is_none_or(|was| was == state)));
            }
            onlooker.assert_earned();
            // Asked for again it is so already, or refused: nothing comes twice. Points by hand are no message and come each time.
            if !matches!(asked, Together::GivePoints { .. }) {
                prop_assert_eq!(log.ask_with_streams(&now, &asked).unwrap_or_default(), vec![]);
            }
        }
        for (stream, state) in &log.0 {
            match state {
                Aggregate::PointsAccount(account) => {
                    let sum = onlooker.balances.get(stream).copied().unwrap_or_default();
                    prop_assert_eq!(i128::from(account.balance()), sum);
                }
                Aggregate::Campaign(it) => {
                    let budget = it.details().and_then(|details| details.budget);
                    let counted = onlooker.counted.get(stream).copied().unwrap_or_default();
                    prop_assert!(budget.is_none_or(|budget| counted <= budget), "{counted} of {budget:?}");
                }
                Aggregate::Member(member) => {
                    let address = member.email().map(crate::id::email_claim);
                    prop_assert!(address.is_none_or(|claim| onlooker.addresses.get(&claim) == Some(&MemberId(stream.uuid))));
                }
                _ => {}
            }
        }
        prop_assert!(log.0.keys().filter(|stream| stream.kind == programme().kind).count() <= 1);
    }
}
