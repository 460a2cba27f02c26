//! What vouchers and points have to do with a trip, one sentence for each event.

use traveladvisor_domain::failure::Failure;
use traveladvisor_domain::message::Direction;
use traveladvisor_domain::payment::PaymentEvent;
use traveladvisor_domain::points::PointsOrder;
use traveladvisor_domain::points_account::PointsAccountEvent;
use traveladvisor_domain::reward::RewardEvent;

use super::why;

pub(super) fn asked(order: &PointsOrder) -> String {
    match order.direction {
        Direction::Request => format!("The account is asked again for {} points.", order.points.points),
        Direction::Undo => format!("{} points are to be given back.", order.points.points),
    }
}

/// What is said otherwise of a payment with points than of one by card.
pub(super) fn of_payment(event: &PaymentEvent) -> Option<String> {
    Some(match event {
        PaymentEvent::PaymentCompleted { amount, .. } if amount.minor > 0 => format!("{amount} was paid with points."),
        PaymentEvent::UndoAwaited { .. } => "The points are to be given back once the account has answered.".to_owned(),
        PaymentEvent::PaymentCancelled { refunded, .. } if refunded.minor > 0 => {
            format!("{refunded} was given back as points.")
        }
        _ => return None,
    })
}

pub(super) fn of_reward(event: &RewardEvent) -> String {
    match event {
        RewardEvent::RewardGranted { .. } => "A reward was granted.".to_owned(),
        RewardEvent::VoucherRedeemed { discount, .. } => format!("The voucher takes {discount} off the trip."),
        RewardEvent::VoucherRefused { failure, .. } => refused("The voucher cannot be used", failure),
        RewardEvent::VoucherReturned { .. } => "The voucher was given back.".to_owned(),
        RewardEvent::RedemptionBarred { .. } => {
            "The voucher was not used; a request that comes late will be refused.".to_owned()
        }
        RewardEvent::AnswerRepeated { .. } => "The voucher's answer was given again.".to_owned(),
    }
}

pub(super) fn of_points_account(event: &PointsAccountEvent) -> String {
    match event {
        PointsAccountEvent::PointsEarned { points, .. } => format!("The trip brought {points} points."),
        PointsAccountEvent::PointsRedeemed { points, value, .. } => {
            format!("{} points were redeemed for {value}.", points.points)
        }
        PointsAccountEvent::RedemptionRefused { failure, .. } => refused("The points were refused", failure),
        PointsAccountEvent::PointsRestored { points, .. } => format!("{points} points were given back."),
        PointsAccountEvent::RedemptionBarred { .. } => {
            "No points were taken; a request that comes late will be refused.".to_owned()
        }
        PointsAccountEvent::AnswerRepeated { .. } => "The account's answer was given again.".to_owned(),
        PointsAccountEvent::PointsReversed { points: 0, owed: 0, .. } => {
            "The points that the trip had brought have expired: none are taken back.".to_owned()
        }
        PointsAccountEvent::PointsReversed { points, owed: 0, .. } => {
            format!("{points} points that the trip had brought were taken back.")
        }
        PointsAccountEvent::PointsReversed { points, owed, .. } => {
            format!("{points} points that the trip had brought were taken back; {owed} are owed.")
        }
        PointsAccountEvent::EarningBarred { .. } => "The trip brings no points any more.".to_owned(),
        PointsAccountEvent::AccountClosed { expired, .. } => format!("{expired} points expired."),
    }
}

fn refused(what: &str, failure: &Failure) -> String {
    format!("{what}: {}", why(failure))
}
