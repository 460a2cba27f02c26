use serde_json::json;
use traveladvisor_domain::booking::quote::{RoomsWanted, SeatsWanted, TripRequest, VehicleWanted};
use traveladvisor_domain::campaign::{Action, CampaignDetails, RewardTerms};
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::id::{
    BookingId, CampaignId, CarId, FlightId, HotelId, LetterId, MemberId, RewardId, StreamId, StreamKind,
};
use traveladvisor_domain::member::{Profile, ProfileChanges};
use traveladvisor_domain::money::{Currency, Money};
use traveladvisor_domain::personal::Traveller;
use traveladvisor_domain::rental::Rental;
use traveladvisor_domain::stay::Stay;
use traveladvisor_domain::together::Together;
use traveladvisor_domain::trip::{CardToken, PaymentPlan};
use traveladvisor_domain::trip_saga::attention::Resolution;
use traveladvisor_infra::event_log::Position;
use uuid::Uuid;

use super::wire::Reply;
use super::*;
use crate::request::{IdempotencyKey, LetterVerb};

const ID: Uuid = Uuid::from_u128(7);

fn trip() -> CallerCommand {
    let card = CardToken { token: "tok_1".into(), brand: "visa".into(), last_four: "4242".into() };
    CallerCommand::BookTrip {
        traveller: Traveller { email: "ada@example.com".into(), name: "Ada".into(), phone: None },
        wanted: TripRequest {
            hotel: Some(RoomsWanted {
                hotel: HotelId(ID),
                room_type: "DBL".into(),
                stay: Stay::new("2025-01-10".parse().expect("a day"), "2025-01-12".parse().expect("a day"))
                    .expect("a stay"),
                rooms: 1,
            }),
            flight: Some(SeatsWanted { flight: FlightId(ID), cabin: "ECONOMY".into(), seats: 2 }),
            car: Some(VehicleWanted {
                car: CarId(ID),
                rental: Rental::new(
                    "2025-01-10T10:00:00Z".parse().expect("an instant"),
                    "2025-01-12T10:00:00Z".parse().expect("an instant"),
                )
                .expect("a rental"),
            }),
            payment: PaymentPlan::Card(card),
            expected_total: Some(Money::new(100, Currency::GBP)),
            voucher: Some(RewardId(ID)),
        },
    }
}

fn campaign() -> CampaignDetails {
    CampaignDetails {
        supplier: "own".into(),
        code: "C".into(),
        name: "Campaign".into(),
        description: "Points".into(),
        action: Action::Signup,
        reward: RewardTerms::Point(5),
        opens_at: "2025-01-10T10:00:00Z".parse().expect("an instant"),
        ends_at: None,
        budget: Some(3),
    }
}

/// One command of every kind.
fn commands() -> Vec<CallerCommand> {
    let (booking, member, campaign_id) = (BookingId(ID), MemberId(ID), CampaignId(ID));
    let car = json!({ "supplier": "s", "code": "c", "name": "n", "car_class": "MINI", "location": "ICN", "time_zone": "Asia/Seoul", "vehicles": 2,
        "daily_price": { "minor": 4000, "currency": "GBP" } });
    let car: CarDetails = serde_json::from_value(car).expect("a car");
    let profile = json!({ "email": "ada@example.com", "nickname": "ada", "first_name": "Ada", "last_name": "Lovelace",
        "contact_number": "1", "gender": "FEMALE" });
    let profile: Profile = serde_json::from_value(profile).expect("a profile");
    let together = [
        Together::SignUp { identity: "ada".into(), profile, referrer: Some(member) },
        Together::ChangeProfile {
            member,
            changes: ProfileChanges { nickname: Some("A".into()), ..ProfileChanges::default() },
        },
        Together::CloseMember { member, reason: None },
        Together::GrantReward { member, campaign: campaign_id, cause: "cause".into() },
        Together::GivePoints { member, points: 5, reason: "sorry".into() },
        Together::ListCampaign(campaign()),
        Together::OpenCampaign { campaign: campaign_id },
        Together::CloseCampaign { campaign: campaign_id },
    ];
    let mark = Resolution::MarkDone { reference: "ch_1".into() };
    let resolve =
        |resolution| CallerCommand::ResolveSaga { booking, resolution, fingerprint: None, reason: "why".into() };
    let allotment = CallerCommand::ChangeAllotment {
        hotel: HotelId(ID),
        room_type: "DBL".into(),
        from: "2025-01-10".parse().expect("a day"),
        to: "2025-01-12".parse().expect("a day"),
        rooms: Some(3),
        stop_sell: None,
    };
    let mut all =
        vec![trip(), CallerCommand::CancelBooking { booking, reason: None }, resolve(mark), resolve(Resolution::Retry)];
    let letter = |verb| CallerCommand::ResolveLetter { letter: LetterId(booking.0), verb, reason: "why".into() };
    all.extend([letter(LetterVerb::Retry), letter(LetterVerb::Discard)]);
    all.extend([allotment, CallerCommand::UpsertCar(car)]);
    all.extend(together.map(CallerCommand::Together));
    all
}

fn request(command: CallerCommand) -> Request {
    Request {
        command,
        caller: "ada".into(),
        idempotency: Some(IdempotencyKey { key: "k".into(), input_hash: vec![1, 2, 3] }),
        expected_version: Some(4),
        traceparent: Some("00-1-2-01".into()),
        request_id: None,
    }
}

#[test]
fn every_command_arrives_as_it_was_sent() {
    for command in commands() {
        let sent = request(command);
        let bytes = serde_json::to_vec(&sent).expect("JSON");
        let arrived: Request = serde_json::from_slice(&bytes).expect("the same program reads it");
        // The debug form masks what is personal, JSON does not.
        assert_eq!(serde_json::to_value(&arrived).expect("JSON"), serde_json::to_value(&sent).expect("JSON"));
        assert_eq!(format!("{arrived:?}"), format!("{sent:?}"));
        assert_eq!(arrived.command.context(), sent.command.context());
    }
}

#[test]
fn answers_arrive_as_they_were_given() {
    let receipt = Receipt { subject: StreamId::new(StreamKind::Hotel, ID), position: Position(42), changed: true };
    let rejection = Rejection { seen_at: Some(Position(7)), ..Rejection::new(Code::VersionConflict, "Read it again.") };
    for answer in [Ok(receipt), Err(rejection.at(&["expectedVersion"]))] {
        let bytes = serde_json::to_vec(&Reply::from(answer.clone())).expect("JSON");
        let reply: Reply = serde_json::from_slice(&bytes).expect("the same program reads it");
        assert_eq!(reply.into_answer(), Some(answer));
    }
}

#[tokio::test]
async fn whoever_does_not_decide_hands_nothing_on() {
    let nobody = Deciders::each(|_| Decider::Nobody);
    let refused = nobody.submit(request(trip())).await.expect_err("nobody decides");
    assert_eq!(refused.code, Code::Unavailable);
    let command = serde_json::to_vec(&request(trip())).expect("JSON");
    assert!(matches!(take(&nobody, &command).await, Forwarded::Misdirected));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_repeating_it() {
    let nobody = Deciders::each(|_| Decider::Nobody);
    let command = br#"{"command":{"BookTrip":{"traveller":{"email":"ada@example.com"#;
    let Forwarded::Unreadable(told) = take(&nobody, command).await else { panic!("it was read") };
    assert!(!told.contains("ada"), "{told}");
}

#[test]
fn positions_count_in_the_log_of_whoever_decides() {
    let one = Deciders::each(|_| Decider::Nobody);
    let hotel = commands().into_iter().find(|command| command.context() == Context::Hotel).expect("one of hotels");
    assert_eq!(one.log_of(&hotel), None);
    let several = one.on_logs(|context| if context == Context::Hotel { context } else { Context::Booking });
    assert_eq!(several.log_of(&hotel), Some(Context::Hotel));
    assert_eq!(several.log_of(&trip()), Some(Context::Booking));
}
