//! Judges the points of the demo's member by the log: added up from the events alone, without the account's own code.

use traveladvisor_commands::catalog::REFERENCE_SUPPLIER;
use traveladvisor_domain::aggregate::Event;
use traveladvisor_domain::id::CampaignId;
use traveladvisor_domain::points_account::{EarnedFor, PointsAccountEvent};
use traveladvisor_infra::event_log::{EventLog, LogError};

use super::checks::Check;
use super::trips::Booked;
use crate::cli::failure::Failure;

/// The code of the catalogue's campaign for new members.
const WELCOME: &str = "SIGNUP-1";

/// What happened to an account.
#[derive(Debug, Default)]
struct Sums {
    earned: u64,
    /// Times that the catalogue's campaign has brought points.
    welcomed: u32,
    redeemed: Vec<u64>,
    restored: Vec<u64>,
    /// What went in other ways.
    gone: u64,
}

impl Sums {
    fn tell(&mut self, event: &PointsAccountEvent) {
        match event {
            PointsAccountEvent::PointsEarned { points, earned_for, .. } => {
                self.earned += points;
                let welcome = CampaignId::of(REFERENCE_SUPPLIER, WELCOME);
                let is_welcome = matches!(earned_for, EarnedFor::Campaign { campaign, .. } if *campaign == welcome);
                self.welcomed += u32::from(is_welcome);
            }
            PointsAccountEvent::PointsRedeemed { points, .. } => self.redeemed.push(points.points),
            PointsAccountEvent::PointsRestored { points, .. } => self.restored.push(*points),
            PointsAccountEvent::PointsReversed { points, .. } => self.gone += points,
            PointsAccountEvent::AccountClosed { expired, .. } => self.gone += expired,
            PointsAccountEvent::RedemptionRefused { .. }
            | PointsAccountEvent::RedemptionBarred { .. }
            | PointsAccountEvent::AnswerRepeated { .. }
            | PointsAccountEvent::EarningBarred { .. } => {}
        }
    }
}

/// The campaign's points came once, paid the trip once, and came back once.
pub(super) async fn came_back(log: &EventLog, booked: &Booked) -> Result<Check, Failure> {
    let mut sums = Sums::default();
    for event in log.read_stream(booked.member.account(), 0).await? {
        for told in &event.decode().map_err(LogError::from)? {
            if let Event::PointsAccount(event) = told {
                sums.tell(event);
            }
        }
    }
    let Sums { earned, welcomed, redeemed, restored, gone } = sums;
    let paid: u64 = redeemed.iter().sum();
    let balance = (earned + restored.iter().sum::<u64>()).checked_sub(paid + gone);
    let once = welcomed == 1 && redeemed.len() == 1 && restored.len() == 1 && paid > 0;
    let found =
        format!("{earned} earned, {paid} paid the trip, {} held", balance.map_or("none".into(), |it| it.to_string()));
    Ok(Check { name: "the member has every point back, once", ok: once && balance == Some(earned), found })
}
