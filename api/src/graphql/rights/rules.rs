//! The rule of every field.

use crate::caller::{Caller, Scope};

/// Who may ask for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Whoever got the object on which it stands.
    AsObject,
    /// Whoever has shown who they are: the catalogue is no secret.
    Known,
    /// Whoever has one of these scopes.
    Any(&'static [Scope]),
}

impl Rule {
    /// Whether it lets a caller pass.
    pub(super) fn allows(self, caller: &Caller) -> bool {
        match self {
            Self::AsObject | Self::Known => true,
            Self::Any(scopes) => scopes.iter().any(|scope| caller.may(*scope)),
        }
    }

    /// The scopes one of which it takes; none when it takes no scope.
    pub(super) const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::AsObject | Self::Known => &[],
            Self::Any(scopes) => scopes,
        }
    }
}

/// One's own trips; all of them for operators.
const READ: Rule = Rule::Any(&[Scope::BookingsRead, Scope::Operations]);
/// To book and to become a member, and to change what is one's own; operators change anybody's.
const WRITE: Rule = Rule::Any(&[Scope::BookingsWrite]);
const OWN_OR_ANY: Rule = Rule::Any(&[Scope::BookingsWrite, Scope::Operations]);
const SUPPLY: Rule = Rule::Any(&[Scope::SupplyWrite]);
/// What is sold and earned is for whoever supplies it, and for operators.
const SALES: Rule = Rule::Any(&[Scope::SupplyWrite, Scope::Operations]);
const OPERATIONS: Rule = Rule::Any(&[Scope::Operations]);

/// `__schema` and `__type`.
pub(super) const INTROSPECTION: Rule = OPERATIONS;

/// Type, fields, rule. What is not here nobody may ask for; a test tells what is missing.
pub(super) const RULES: &[(&str, &str, Rule)] = &[
    ("Query", "booking bookings travellerBookings saga", READ),
    // `node` and `nodes` find only what the caller could read by the field of its kind.
    ("Query", "node nodes offer hotel flight car hotels flights cars", Rule::Known),
    // Campaigns are as little of a secret as what they are about. A member, its points and its rewards are for itself and for operators.
    ("Query", "campaigns", Rule::Known),
    ("Query", "me member vouchers", READ),
    ("Query", "hotelOccupancy flightOccupancy carOccupancy", SALES),
    ("Query", "sagas paymentLedger projections", OPERATIONS),
    ("Mutation", "bookTrip", WRITE),
    ("Mutation", "cancelBooking", OWN_OR_ANY),
    ("Mutation", "signUp", WRITE),
    ("Mutation", "updateProfile closeMember", OWN_OR_ANY),
    ("Mutation", "grantReward openCampaign closeCampaign", OPERATIONS),
    ("Mutation", "upsertHotel changeAllotment upsertFlight upsertCar", SUPPLY),
    ("Mutation", "resolveSaga resolveSagas rebuildProjection rollbackProjection", OPERATIONS),
    ("Subscription", "bookingProgress bookings", READ),
    ("BookTripPayload", "booking position errors", Rule::AsObject),
    ("CancelBookingPayload", "booking position errors", Rule::AsObject),
    ("UpsertHotelPayload", "hotel position errors", Rule::AsObject),
    ("UpsertFlightPayload", "flight position errors", Rule::AsObject),
    ("UpsertCarPayload", "car position errors", Rule::AsObject),
    ("ResolveSagaPayload", "saga position errors", Rule::AsObject),
    ("ResolveSagasPayload", "results hasMore errors", Rule::AsObject),
    ("ResolvedSaga", "bookingId position errors", Rule::AsObject),
    ("ProjectionPayload", "projection errors", Rule::AsObject),
    ("MemberPayload", "member position errors", Rule::AsObject),
    ("RewardPayload", "reward member position errors", Rule::AsObject),
    ("CampaignPayload", "campaign position errors", Rule::AsObject),
    ("UserError", "code message path", Rule::AsObject),
    ("Node", "id", Rule::AsObject),
    (
        "Booking",
        "id status sagaStatus version traveller hotel flight car payment total discount failure timeline createdAt updatedAt",
        Rule::AsObject,
    ),
    ("Traveller", "email name phone", Rule::AsObject),
    ("BookedHotel", "hotelId roomType checkIn checkOut rooms price discount status", Rule::AsObject),
    ("BookedFlight", "flightId cabin seats price discount status", Rule::AsObject),
    ("BookedCar", "carId pickUpAt dropOffAt price discount status", Rule::AsObject),
    ("BookingDiscount", "voucher amount", Rule::AsObject),
    ("BookingFailure", "step code message", Rule::AsObject),
    ("Payment", "method status brand lastFour points failureCode refunded", Rule::AsObject),
    ("Money", "amount currency minorUnits", Rule::AsObject),
    ("BookingProgress", "position at status sagaStatus summary", Rule::AsObject),
    ("TimelineEntry", "position at type summary", Rule::AsObject),
    (
        "TravellerBooking",
        "id bookingId createdAt status sagaStatus total parts startsAt checkIn checkOut",
        Rule::AsObject,
    ),
    (
        "Member",
        "id status version email nickname firstName lastName contactNumber gender createdAt updatedAt points vouchers bookings",
        Rule::AsObject,
    ),
    ("PointsAccount", "balance entries", Rule::AsObject),
    (
        "PointsEntry",
        "id position at type points balance campaignId rewardId bookingId reason actor value",
        Rule::AsObject,
    ),
    (
        "Campaign",
        "id supplier code name description action reward status opensAt endsAt budget granted version",
        Rule::AsObject,
    ),
    ("CampaignReward", "kind points percent amount minimumTotal validDays gift", Rule::AsObject),
    (
        "Reward",
        "id memberId campaignId cause kind points percent amount minimumTotal gift grantedAt expiresAt isUsable bookingId discount",
        Rule::AsObject,
    ),
    ("Hotel", "id code name city country timeZone roomTypes", Rule::AsObject),
    ("RoomType", "code name rooms nightlyPrice roomsLeft total", Rule::AsObject),
    ("Flight", "id code carrier origin destination departureAt arrivalAt cabins", Rule::AsObject),
    ("Cabin", "cabin seats seatsLeft price", Rule::AsObject),
    ("Car", "id code name carClass location vehicles dailyPrice vehiclesLeft total", Rule::AsObject),
    ("Occupancy", "day onSale sold left revenue units", Rule::AsObject),
    ("UnitOccupancy", "unit onSale sold left revenue", Rule::AsObject),
    ("PaymentLedgerEntry", "charged refunded redeemed restored kept", Rule::AsObject),
    (
        "Saga",
        "id bookingId status definition steps needsAttention attentionSince fingerprint reason waitingStep waitingDirection \
         waitingSince attempts nextWakeUp history",
        Rule::AsObject,
    ),
    ("SagaStep", "name state attempts lastError startedAt endedAt", Rule::AsObject),
    (
        "Projection",
        "id name version generation state reason position lagEvents lagIsExact lagMs eventsPerSecond deadLetters waiting \
         lastError lastErrorAt formerVersion rebuildPhase rebuildProgress",
        Rule::AsObject,
    ),
    ("PageInfo", "hasNextPage hasPreviousPage startCursor endCursor", Rule::AsObject),
    ("BookingConnection", "edges pageInfo nodes", Rule::AsObject),
    ("BookingEdge", "cursor node", Rule::AsObject),
    ("HotelConnection", "edges pageInfo nodes", Rule::AsObject),
    ("HotelEdge", "cursor node", Rule::AsObject),
    ("FlightConnection", "edges pageInfo nodes", Rule::AsObject),
    ("FlightEdge", "cursor node", Rule::AsObject),
    ("CarConnection", "edges pageInfo nodes", Rule::AsObject),
    ("CarEdge", "cursor node", Rule::AsObject),
    ("SagaConnection", "edges pageInfo nodes", Rule::AsObject),
    ("SagaEdge", "cursor node", Rule::AsObject),
    ("TravellerBookingConnection", "edges pageInfo nodes", Rule::AsObject),
    ("TravellerBookingEdge", "cursor node", Rule::AsObject),
    ("CampaignConnection", "edges pageInfo nodes", Rule::AsObject),
    ("CampaignEdge", "cursor node", Rule::AsObject),
    ("RewardConnection", "edges pageInfo nodes", Rule::AsObject),
    ("RewardEdge", "cursor node", Rule::AsObject),
    ("PointsEntryConnection", "edges pageInfo nodes", Rule::AsObject),
    ("PointsEntryEdge", "cursor node", Rule::AsObject),
];
