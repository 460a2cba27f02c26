//! The one table of topics. The grammar is `<flow>.<from>.<to>.<verb>`.

use crate::context::{Context, Contexts};
use crate::id::StreamKind;
use crate::message::{Body, Destination, Direction, Message};
use crate::trip::Step;

use super::Announcement;

/// What a topic carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// What the saga asks of a participant.
    Instruction(Step, Direction),
    /// What a participant answers the saga.
    Answer(Step, Direction),
    /// What a payment asks of a points account.
    Points(Direction),
    /// What the account answers.
    PointsAnswer(Direction),
    /// The points that an approved trip brings.
    Earn,
    /// The points that a cancelled trip had brought.
    Reverse,
    /// What is on sale, for the copy that trips are priced from: the last one of a key counts.
    Offer,
    /// Whether somebody is a member, for the same copy.
    Standing,
    /// What a voucher is worth, for the same copy.
    Voucher,
    /// Messages that were set aside.
    Letter,
}

impl Carries {
    /// Whether only the last record of a key counts, so that a broker may forget those before.
    pub const fn is_compacted(self) -> bool {
        matches!(self, Self::Offer | Self::Standing | Self::Voucher)
    }
}

/// A topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its whole name.
    pub name: &'static str,
    /// Who sends.
    pub from: Context,
    /// Who receives; none where operators do.
    pub to: Option<Context>,
    /// What.
    pub carries: Carries,
}

impl Topic {
    /// The topic of this name, if this program knows it.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    /// The type of what it carries, for example `booking.hotel.request_booking`: the name without its flow.
    pub fn message_type(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_flow, rest)| rest)
    }
}

macro_rules! topics {
    ($($flow:literal . $from:literal . $to:literal . $verb:literal: $sender:ident, $receiver:expr, $carries:expr;)*) => {
        /// All topics.
        pub const TOPICS: &[Topic] = &[$(Topic {
            name: concat!($flow, ".", $from, ".", $to, ".", $verb),
            from: Context::$sender,
            to: $receiver,
            carries: $carries,
        }),*];
    };
}

use Carries::{Answer, Earn, Instruction, Letter, Offer, Points, PointsAnswer, Reverse, Standing, Voucher};
use Direction::{Request, Undo};

/// Who receives what sagas are told.
const BOOKING: Option<Context> = Some(Context::Booking);

topics! {
    "booking_request_flow"."booking"."hotel"."request_booking": Booking, Some(Context::Hotel), Instruction(Step::Hotel, Request);
    "booking_request_flow"."hotel"."booking"."notify_booking_completed": Hotel, BOOKING, Answer(Step::Hotel, Request);
    "booking_cancel_flow"."booking"."hotel"."cancel_booking": Booking, Some(Context::Hotel), Instruction(Step::Hotel, Undo);
    "booking_cancel_flow"."hotel"."booking"."notify_booking_canceled": Hotel, BOOKING, Answer(Step::Hotel, Undo);
    "booking_request_flow"."booking"."flight"."request_booking": Booking, Some(Context::Flight), Instruction(Step::Flight, Request);
    "booking_request_flow"."flight"."booking"."notify_booking_completed": Flight, BOOKING, Answer(Step::Flight, Request);
    "booking_cancel_flow"."booking"."flight"."cancel_booking": Booking, Some(Context::Flight), Instruction(Step::Flight, Undo);
    "booking_cancel_flow"."flight"."booking"."notify_booking_canceled": Flight, BOOKING, Answer(Step::Flight, Undo);
    "booking_request_flow"."booking"."car"."request_booking": Booking, Some(Context::Car), Instruction(Step::Car, Request);
    "booking_request_flow"."car"."booking"."notify_booking_completed": Car, BOOKING, Answer(Step::Car, Request);
    "booking_cancel_flow"."booking"."car"."cancel_booking": Booking, Some(Context::Car), Instruction(Step::Car, Undo);
    "booking_cancel_flow"."car"."booking"."notify_booking_canceled": Car, BOOKING, Answer(Step::Car, Undo);
    "booking_request_flow"."booking"."payment"."request_payment": Booking, Some(Context::Payment), Instruction(Step::Payment, Request);
    "booking_request_flow"."payment"."booking"."notify_payment_completed": Payment, BOOKING, Answer(Step::Payment, Request);
    "booking_cancel_flow"."booking"."payment"."cancel_payment": Booking, Some(Context::Payment), Instruction(Step::Payment, Undo);
    "booking_cancel_flow"."payment"."booking"."notify_payment_canceled": Payment, BOOKING, Answer(Step::Payment, Undo);
    "booking_request_flow"."booking"."member"."request_voucher": Booking, Some(Context::Member), Instruction(Step::Voucher, Request);
    "booking_request_flow"."member"."booking"."notify_voucher_redeemed": Member, BOOKING, Answer(Step::Voucher, Request);
    "booking_cancel_flow"."booking"."member"."cancel_voucher": Booking, Some(Context::Member), Instruction(Step::Voucher, Undo);
    "booking_cancel_flow"."member"."booking"."notify_voucher_canceled": Member, BOOKING, Answer(Step::Voucher, Undo);
    "booking_request_flow"."payment"."member"."request_points": Payment, Some(Context::Member), Points(Request);
    "booking_request_flow"."member"."payment"."notify_points_redeemed": Member, Some(Context::Payment), PointsAnswer(Request);
    "booking_cancel_flow"."payment"."member"."cancel_points": Payment, Some(Context::Member), Points(Undo);
    "booking_cancel_flow"."member"."payment"."notify_points_canceled": Member, Some(Context::Payment), PointsAnswer(Undo);
    "booking_request_flow"."booking"."member"."earn_points": Booking, Some(Context::Member), Earn;
    "booking_cancel_flow"."booking"."member"."reverse_points": Booking, Some(Context::Member), Reverse;
    "supply_flow"."hotel"."booking"."notify_offer_changed": Hotel, BOOKING, Offer;
    "supply_flow"."flight"."booking"."notify_offer_changed": Flight, BOOKING, Offer;
    "supply_flow"."car"."booking"."notify_offer_changed": Car, BOOKING, Offer;
    "member_flow"."member"."booking"."notify_member_changed": Member, BOOKING, Standing;
    "member_flow"."member"."booking"."notify_voucher_granted": Member, BOOKING, Voucher;
    "dead_letter_flow"."booking"."operator"."notify_dead_letter": Booking, None, Letter;
    "dead_letter_flow"."hotel"."operator"."notify_dead_letter": Hotel, None, Letter;
    "dead_letter_flow"."flight"."operator"."notify_dead_letter": Flight, None, Letter;
    "dead_letter_flow"."car"."operator"."notify_dead_letter": Car, None, Letter;
    "dead_letter_flow"."payment"."operator"."notify_dead_letter": Payment, None, Letter;
    "dead_letter_flow"."member"."operator"."notify_dead_letter": Member, None, Letter;
}

/// The topic of a message between contexts; none of what stays inside one, or goes to the gateway.
pub fn topic_of(message: &Message) -> Option<&'static Topic> {
    let Destination::Stream(to) = message.to else { return None };
    let wanted = match &message.body {
        Body::Instruction(asked) => Instruction(asked.order.step(), asked.direction),
        Body::Answer(answer) if to.kind == StreamKind::Payment => PointsAnswer(answer.direction),
        Body::Answer(answer) => Answer(answer.step, answer.direction),
        Body::Points(order) => Points(order.direction),
        Body::Earn(_) => Earn,
        Body::Reverse(_) => Reverse,
        Body::StartTrip(_) | Body::CancelTrip | Body::GatewayCall(_) | Body::LookUp(_) => return None,
    };
    TOPICS.iter().find(|topic| topic.carries == wanted)
}

/// The topic of an announcement by a context; none of what it never announces.
pub fn announcement_topic(from: Context, announcement: &Announcement) -> Option<&'static Topic> {
    let wanted = announcement.carries();
    TOPICS.iter().find(|topic| topic.from == from && topic.carries == wanted)
}

/// The topics with messages for a log that holds these contexts: their senders have other logs.
pub fn topics_for(contexts: Contexts) -> impl Iterator<Item = &'static Topic> {
    TOPICS.iter().filter(move |topic| {
        let is_here = topic.to.is_some_and(|to| contexts.has(to));
        is_here && !contexts.has(topic.from) && !topic.carries.is_compacted()
    })
}
