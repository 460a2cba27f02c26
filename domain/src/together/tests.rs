//! What members, operators and imports bring about in several streams at once.

mod histories;

use std::collections::BTreeMap;

use super::{NotTogether, Together};
use crate::aggregate::{Aggregate, Event};
use crate::campaign::{Action, CampaignDetails, RewardTerms};
use crate::discount::{Off, VoucherTerms};
use crate::failure::Code;
use crate::id::{CampaignId, MemberId, RewardId, StreamId, email_claim};
use crate::member::{Gender, MemberEvent, Profile, ProfileChanges};
use crate::points::POINTS_MAX;
use crate::programme::CAMPAIGNS_MAX;
use crate::reward::{Grant, RewardEvent};
use crate::testing::at;

const NOW: &str = "2024-12-01T12:00:00Z";

/// A log in memory.
#[derive(Default)]
struct Log(BTreeMap<StreamId, Aggregate>);

impl Log {
    /// Decides and takes in what happens; returns it.
    fn ask_at(&mut self, now: &str, asked: &Together) -> Result<Vec<Event>, NotTogether> {
        Ok(self.ask_with_streams(now, asked)?.into_iter().map(|(_, event)| event).collect())
    }

    /// The same, with the stream of each event.
    fn ask_with_streams(&mut self, now: &str, asked: &Together) -> Result<Vec<(StreamId, Event)>, NotTogether> {
        let view = |stream| self.0.get(&stream);
        for stream in asked.streams().into_iter().chain(asked.further_streams(&view)).collect::<Vec<_>>() {
            self.0.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        }
        let further = asked.further_streams(&|stream| self.0.get(&stream));
        for stream in further {
            self.0.entry(stream).or_insert_with(|| Aggregate::empty(stream.kind));
        }
        let decided = asked.decide(&|stream| self.0.get(&stream), at(now))?;
        let mut events = Vec::new();
        for (stream, happened) in decided {
            let state = self.0.get_mut(&stream).expect("it was read");
            for event in happened {
                assert!(state.apply(&event), "an event of another kind");
                events.push((stream, event));
            }
        }
        Ok(events)
    }

    fn ask(&mut self, asked: &Together) -> Vec<Event> {
        self.ask_at(NOW, asked).expect("accepted")
    }

    fn refused(&mut self, asked: &Together) -> (Code, &'static str) {
        match self.ask_at(NOW, asked) {
            Err(NotTogether::Refused { code, field, .. }) => (code, field),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn points(&self, member: MemberId) -> u64 {
        match self.0.get(&member.account()) {
            Some(Aggregate::PointsAccount(account)) => account.balance(),
            _ => 0,
        }
    }

    /// With a campaign of ours that is open now.
    fn with(mut self, code: &str, action: Action, reward: RewardTerms) -> Self {
        self.ask(&Together::ListCampaign(details(code, action, reward)));
        self
    }
}

fn details(code: &str, action: Action, reward: RewardTerms) -> CampaignDetails {
    CampaignDetails {
        supplier: "own".into(),
        code: code.into(),
        name: code.into(),
        description: String::new(),
        action,
        reward,
        opens_at: "2024-11-01T00:00:00Z".parse().expect("an instant"),
        ends_at: None,
        budget: None,
    }
}

fn campaign(code: &str) -> CampaignId {
    CampaignId::of("own", code)
}

fn profile(email: &str) -> Profile {
    Profile {
        email: email.into(),
        nickname: "nick".into(),
        first_name: "First".into(),
        last_name: "Last".into(),
        contact_number: "+44 20 7946 0000".into(),
        gender: Gender::Other,
    }
}

fn sign_up(identity: &str, email: &str) -> Together {
    Together::SignUp { identity: identity.into(), profile: profile(email), referrer: None }
}

fn referred(identity: &str, email: &str, referrer: &str) -> Together {
    let referrer = Some(MemberId::of(referrer));
    Together::SignUp { identity: identity.into(), profile: profile(email), referrer }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::event_type).collect()
}

#[test]
fn who_signs_up_gets_what_every_open_campaign_promises() {
    let mut log = Log::default().with("one", Action::Signup, RewardTerms::Point(700)).with(
        "two",
        Action::Signup,
        RewardTerms::Point(300),
    );
    let events = log.ask(&sign_up("pat", "pat@example.com"));
    assert_eq!(events.len(), 6, "{:?}", names(&events));
    assert_eq!(log.points(MemberId::of("pat")), 1_000, "both stand in one account");
}

#[test]
fn closed_ended_and_coming_campaigns_grant_nothing() {
    let mut log = Log::default().with("closed", Action::Signup, RewardTerms::Point(1)).with(
        "review",
        Action::Review,
        RewardTerms::Point(2),
    );
    log.ask(&Together::CloseCampaign { campaign: campaign("closed") });
    let coming = CampaignDetails {
        opens_at: "2024-12-02T00:00:00Z".parse().expect("an instant"),
        ..details("coming", Action::Signup, RewardTerms::Point(4))
    };
    let ended = CampaignDetails {
        ends_at: Some("2024-12-01T12:30:00Z".parse().expect("an instant")),
        ..details("ended", Action::Signup, RewardTerms::Point(8))
    };
    log.ask(&Together::ListCampaign(coming));
    log.ask(&Together::ListCampaign(ended));
    let events = log.ask_at("2024-12-01T13:00:00Z", &sign_up("pat", "pat@example.com")).expect("accepted");
    assert_eq!(
        names(&events),
        ["MemberSignedUp", "EmailClaimed", "CampaignRemoved"],
        "nobody looks for what has ended"
    );
    log.ask(&Together::OpenCampaign { campaign: campaign("coming") });
    log.ask(&sign_up("sam", "sam@example.com"));
    assert_eq!((log.points(MemberId::of("pat")), log.points(MemberId::of("sam"))), (0, 4));
}

#[test]
fn a_budget_ends_a_campaign_with_its_last_reward() {
    let mut log = Log::default();
    let welcome = details("welcome", Action::Signup, RewardTerms::Point(5));
    log.ask(&Together::ListCampaign(CampaignDetails { budget: Some(1), ..welcome }));
    let first = log.ask(&sign_up("pat", "pat@example.com"));
    assert!(
        names(&first).ends_with(&["RewardCounted", "CampaignClosed", "PointsEarned", "CampaignRemoved"]),
        "{:?}",
        names(&first)
    );
    assert_eq!(names(&log.ask(&sign_up("sam", "sam@example.com"))), ["MemberSignedUp", "EmailClaimed"]);
}

#[test]
fn a_budget_that_is_lowered_to_what_was_granted_takes_the_campaign_out_of_the_programme() {
    let mut log = Log::default();
    let welcome = details("welcome", Action::Signup, RewardTerms::Point(5));
    log.ask(&Together::ListCampaign(CampaignDetails { budget: Some(2), ..welcome.clone() }));
    log.ask(&sign_up("pat", "pat@example.com"));
    let lowered = log.ask(&Together::ListCampaign(CampaignDetails { budget: Some(1), ..welcome }));
    assert_eq!(names(&lowered), ["CampaignChanged", "CampaignClosed", "CampaignRemoved"]);
}

#[test]
fn an_identity_and_an_address_have_one_member() {
    let mut log = Log::default();
    log.ask(&sign_up("pat", "pat@example.com"));
    assert_eq!(log.refused(&sign_up("pat", "other@example.com")), (Code::AlreadyExists, ""));
    assert_eq!(log.refused(&sign_up("sam", " PAT@example.com")), (Code::AlreadyExists, "email"));
    log.ask(&Together::CloseMember { member: MemberId::of("pat"), reason: None });
    assert_eq!(log.refused(&sign_up("pat", "new@example.com")), (Code::MemberClosed, ""));
    log.ask(&sign_up("sam", "pat@example.com"));
}

#[test]
fn a_reward_for_a_sign_up_is_not_granted_under_another_name_or_before_it_is_due() {
    let mut log = Log::default().with("welcome", Action::Signup, RewardTerms::Point(5)).with(
        "refer",
        Action::Referral,
        RewardTerms::Point(7),
    );
    log.ask(&sign_up("pat", "pat@example.com"));
    let id = |who: &str| MemberId::of(who).to_string();
    let grant = |code: &str, cause: String| Together::GrantReward {
        member: MemberId::of("pat"),
        campaign: campaign(code),
        cause,
    };
    for (code, cause) in
        [("welcome", id("sam")), ("welcome", "again".to_owned()), ("refer", id("sam")), ("refer", id("pat"))]
    {
        assert_eq!(log.refused(&grant(code, cause)), (Code::InvalidInput, "cause"));
    }
    assert_eq!(log.ask(&grant("welcome", id("pat"))), [], "it was granted with the sign-up");
    log.ask(&sign_up("sam", "sam@example.com"));
    assert_eq!(
        names(&log.ask(&grant("refer", id("sam")))),
        ["RewardGranted", "PointsEarned"],
        "which had been forgotten"
    );
}

#[test]
fn a_reward_that_cannot_be_delivered_stands_in_nobodys_way() {
    let mut log = Log::default().with("refer", Action::Referral, RewardTerms::Point(5));
    log.ask(&sign_up("pat", "pat@example.com"));
    let full = Together::GivePoints { member: MemberId::of("pat"), points: POINTS_MAX, reason: "a test".into() };
    log.ask(&full);
    let events = log.ask(&referred("sam", "sam@example.com", "pat"));
    assert_eq!(names(&events), ["MemberSignedUp", "EmailClaimed"]);
    let grant = Together::GrantReward {
        member: MemberId::of("pat"),
        campaign: campaign("refer"),
        cause: MemberId::of("sam").to_string(),
    };
    assert_eq!(log.refused(&grant), (Code::InvalidInput, "memberId"));
}

#[test]
fn what_was_granted_to_a_member_who_has_left_is_granted_still() {
    let mut log = Log::default().with("review", Action::Review, RewardTerms::Gift("a mug".into()));
    log.ask(&sign_up("pat", "pat@example.com"));
    let grant =
        Together::GrantReward { member: MemberId::of("pat"), campaign: campaign("review"), cause: "review-1".into() };
    assert_eq!(names(&log.ask(&grant)), ["RewardGranted"]);
    log.ask(&Together::CloseMember { member: MemberId::of("pat"), reason: None });
    assert_eq!(log.ask(&grant), [], "said again, it is so already");
}

#[test]
fn whoever_signs_up_looks_at_a_bounded_number_of_campaigns() {
    let mut log = Log::default();
    for number in 0..CAMPAIGNS_MAX {
        log.ask(&Together::ListCampaign(details(&number.to_string(), Action::Review, RewardTerms::Point(1))));
    }
    let one_more = Together::ListCampaign(details("one more", Action::Review, RewardTerms::Point(1)));
    assert_eq!(log.refused(&one_more), (Code::InvalidInput, ""));
    log.ask(&Together::CloseCampaign { campaign: campaign("0") });
    log.ask(&one_more);
}

#[test]
fn who_refers_a_new_member_is_rewarded_once_for_each() {
    let terms = VoucherTerms { off: Off::Percent(10), minimum_total: None, valid_days: Some(30) };
    let mut log = Log::default().with("refer", Action::Referral, RewardTerms::Voucher(terms));
    log.ask(&sign_up("pat", "pat@example.com"));
    let events = log.ask(&referred("sam", "sam@example.com", "pat"));
    let expires_at = Some("2024-12-31T12:00:00Z".parse().expect("an instant"));
    let granted = events.iter().find_map(|event| match event {
        Event::Reward(RewardEvent::RewardGranted { member, grant: Grant::Voucher(voucher), .. }) => {
            Some((*member, voucher.expires_at))
        }
        _ => None,
    });
    assert_eq!(granted, Some((MemberId::of("pat"), expires_at)));
    let again = Together::GrantReward {
        member: MemberId::of("pat"),
        campaign: campaign("refer"),
        cause: MemberId::of("sam").to_string(),
    };
    assert_eq!(log.ask(&again), [], "the same cause again is nothing new");
}

#[test]
fn nobody_refers_themselves_and_nobody_who_is_not_there_refers() {
    let mut log = Log::default();
    assert_eq!(log.refused(&referred("pat", "pat@example.com", "nobody")), (Code::NotFound, "referrer"));
    assert_eq!(log.refused(&referred("pat", "pat@example.com", "pat")), (Code::NotFound, "referrer"));
    log.ask(&sign_up("sam", "sam@example.com"));
    log.ask(&Together::CloseMember { member: MemberId::of("sam"), reason: None });
    assert_eq!(log.refused(&referred("pat", "pat@example.com", "sam")), (Code::NotFound, "referrer"));
}

#[test]
fn a_cause_is_rewarded_once_whoever_is_named() {
    let mut log = Log::default().with("review", Action::Review, RewardTerms::Point(50));
    log.ask(&sign_up("pat", "pat@example.com"));
    log.ask(&sign_up("sam", "sam@example.com"));
    let grant = |who: &str| Together::GrantReward {
        member: MemberId::of(who),
        campaign: campaign("review"),
        cause: "review-17".into(),
    };
    assert_eq!(grant("pat").subject(), RewardId::of(campaign("review"), "review-17").stream());
    assert_eq!(names(&log.ask(&grant("pat"))), ["RewardGranted", "PointsEarned"]);
    assert_eq!(log.ask(&grant("pat")), []);
    assert_eq!(log.refused(&grant("sam")), (Code::AlreadyExists, "cause"));
    assert_eq!((log.points(MemberId::of("pat")), log.points(MemberId::of("sam"))), (50, 0));
}

#[test]
fn an_operator_is_told_why_nothing_can_be_granted() {
    let mut log = Log::default().with("review", Action::Review, RewardTerms::Point(50));
    let grant = |who: &str, code: &str| Together::GrantReward {
        member: MemberId::of(who),
        campaign: campaign(code),
        cause: "1".into(),
    };
    assert_eq!(log.refused(&grant("pat", "review")), (Code::NotFound, "memberId"));
    log.ask(&sign_up("pat", "pat@example.com"));
    assert_eq!(log.refused(&grant("pat", "none")), (Code::NotFound, "campaignId"));
    let coming = CampaignDetails {
        opens_at: "2025-01-01T00:00:00Z".parse().expect("an instant"),
        ..details("coming", Action::Review, RewardTerms::Point(4))
    };
    log.ask(&Together::ListCampaign(coming));
    assert_eq!(log.refused(&grant("pat", "coming")), (Code::CampaignNotOpen, "campaignId"));
    log.ask(&Together::CloseCampaign { campaign: campaign("review") });
    assert_eq!(log.refused(&grant("pat", "review")), (Code::CampaignClosed, "campaignId"));
    let give = Together::GivePoints { member: MemberId::of("pat"), points: 0, reason: "sorry".into() };
    assert_eq!(log.refused(&give), (Code::InvalidInput, "points"));
    log.ask(&Together::CloseMember { member: MemberId::of("pat"), reason: None });
    assert_eq!(log.refused(&grant("pat", "review")), (Code::MemberClosed, "memberId"));
}

#[test]
fn another_address_is_claimed_and_the_former_one_is_free_again() {
    let mut log = Log::default();
    log.ask(&sign_up("pat", "pat@example.com"));
    log.ask(&sign_up("sam", "sam@example.com"));
    let change = |email: &str| Together::ChangeProfile {
        member: MemberId::of("pat"),
        changes: ProfileChanges { email: Some(email.into()), ..ProfileChanges::default() },
    };
    assert_eq!(log.refused(&change("SAM@example.com")), (Code::AlreadyExists, "email"));
    assert_eq!(names(&log.ask(&change("Pat@Example.com"))), ["ProfileChanged"], "another spelling is no other address");
    assert_eq!(names(&log.ask(&change("new@example.com"))), ["ProfileChanged", "EmailClaimed", "EmailReleased"]);
    assert_eq!(log.ask(&change("new@example.com")), []);
    log.ask(&sign_up("kim", "pat@example.com"));
    assert_eq!(log.0[&email_claim("pat@example.com")], Aggregate::EmailClaim(held_by("kim")));
}

fn held_by(identity: &str) -> crate::email_claim::EmailClaim {
    crate::email_claim::EmailClaim::Held { by: MemberId::of(identity) }
}

#[test]
fn what_is_left_expires_when_a_member_leaves() {
    let mut log = Log::default().with("welcome", Action::Signup, RewardTerms::Point(5));
    log.ask(&sign_up("pat", "pat@example.com"));
    let leave = Together::CloseMember { member: MemberId::of("pat"), reason: None };
    assert_eq!(names(&log.ask(&leave)), ["MemberClosed", "AccountClosed", "EmailReleased"]);
    assert_eq!(log.points(MemberId::of("pat")), 0);
    assert_eq!(log.ask(&leave), []);
}

#[test]
fn a_member_is_told_by_the_identity_that_it_signed_up_with() {
    let mut log = Log::default();
    let events = log.ask(&sign_up("https://issuer.example#pat", "pat@example.com"));
    let Event::Member(MemberEvent::MemberSignedUp { profile, .. }) = &events[0] else { panic!("no member") };
    assert_eq!(profile.subject, MemberId::of("https://issuer.example#pat").to_string());
}
