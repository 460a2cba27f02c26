//! Books the demo's five trips through the server, as travellers would.

use serde::Serialize;
use serde_json::{Value, json};
use traveladvisor_api::{Scope, development_token};
use traveladvisor_domain::id::{BookingId, MemberId};

use super::client::Client;
use super::plan::Plan;
use crate::cli::failure::Failure;

/// A card that the sandbox approves.
const CARD_APPROVED: &str = "4242424242424242";
/// A card that it declines.
const CARD_DECLINED: &str = "4000000000000002";

const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id } position \
     errors { code message path } } }";
const SIGN_UP: &str =
    "mutation($input: SignUpInput!) { signUp(input: $input) { member { id } errors { code message path } } }";
const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { id } position \
     errors { code message path } } }";
const BOOKING: &str = "query($id: ID!, $atLeast: Position) { booking(id: $id, atLeast: $atLeast) { id status sagaStatus \
     total { amount currency minorUnits } failure { step code } payment { status refunded { minorUnits } } \
     timeline { position at type summary } } }";

/// A trip of the demo as it ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trip {
    pub(super) name: &'static str,
    pub(super) booking_id: BookingId,
    pub(super) status: String,
    pub(super) saga_status: String,
    pub(super) timeline: Value,
    /// The whole answer, for the checks.
    #[serde(skip)]
    pub(super) answer: Value,
}

/// The five trips, those that filled the small fleet, and the member who paid with points.
pub(super) struct Booked {
    pub(super) trips: Vec<Trip>,
    pub(super) others: Vec<BookingId>,
    pub(super) member: MemberId,
}

/// Books on one connection; `run` makes this run's idempotency keys its own.
pub(super) struct Traveller<'a> {
    pub(super) client: &'a mut Client,
    pub(super) run: String,
}

impl Traveller<'_> {
    /// All that the demo books.
    pub(super) async fn travel(&mut self, plan: &Plan) -> Result<Booked, Failure> {
        let mut trips = Vec::new();
        let paid = |trip: Value, card: &str| with(trip, json!({ "payment": { "method": "CARD", "cardNumber": card } }));

        let id = self.book("approved", paid(plan.trip(0), CARD_APPROVED)).await?;
        trips.push(self.look("approved", id).await?);

        // Somebody else takes the last vehicles of the small fleet first, and gives them back when the trip has been refused.
        let mut others = Vec::new();
        for place in 0..plan.small_fleet_left {
            let input = json!({ "car": plan.small_car(), "payment": { "method": "NONE" } });
            others.push(self.book(&format!("other-{place}"), input).await?);
        }
        let sold_out = with(plan.trip(1), json!({ "car": plan.small_car() }));
        let id = self.book("car_sold_out", paid(sold_out, CARD_APPROVED)).await?;
        trips.push(self.look("car_sold_out", id).await?);
        for other in &others {
            self.cancel(*other).await?;
        }

        let id = self.book("card_declined", paid(plan.trip(2), CARD_DECLINED)).await?;
        trips.push(self.look("card_declined", id).await?);

        let id = self.book("cancelled_by_traveller", paid(plan.trip(3), CARD_APPROVED)).await?;
        self.cancel(id).await?;
        trips.push(self.look("cancelled_by_traveller", id).await?);

        let member = self.sign_up().await?;
        let id =
            self.book("paid_with_points", with(plan.trip(4), json!({ "payment": { "method": "POINTS" } }))).await?;
        self.cancel(id).await?;
        trips.push(self.look("paid_with_points", id).await?);
        Ok(Booked { trips, others, member })
    }

    /// Somebody new becomes a member, and books from here on: each run has an identity and an address of its own.
    async fn sign_up(&mut self) -> Result<MemberId, Failure> {
        let email = format!("grace-{}@example.com", self.run);
        self.client.sign_in(development_token(&email, &[Scope::BookingsRead, Scope::BookingsWrite], None).token);
        let input = json!({
            "idempotencyKey": format!("demo-{}-sign-up", self.run),
            "email": email,
            "nickname": "grace",
            "firstName": "Grace",
            "lastName": "Hopper",
            "contactNumber": "+1 212 555 0100",
        });
        let data = self.client.ask(SIGN_UP, json!({ "input": input })).await?;
        let id = data["signUp"]["member"]["id"].as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| Failure::failed(format!("nobody became a member: {}", data["signUp"]["errors"])))
    }

    async fn book(&mut self, name: &str, parts: Value) -> Result<BookingId, Failure> {
        let input = with(
            parts,
            json!({
                "idempotencyKey": format!("demo-{}-{name}", self.run),
                "traveller": { "email": "ada@example.com", "name": "Ada Lovelace", "phone": "+44 20 7946 0000" },
                "wait": "FINISHED",
            }),
        );
        let data = self.client.ask(BOOK, json!({ "input": input })).await?;
        booked(&data["bookTrip"])
    }

    async fn cancel(&mut self, id: BookingId) -> Result<(), Failure> {
        let input = json!({ "bookingId": id, "reason": "plans have changed", "wait": "FINISHED" });
        let data = self.client.ask(CANCEL, json!({ "input": input })).await?;
        booked(&data["cancelBooking"]).map(|_| ())
    }

    async fn look(&mut self, name: &'static str, id: BookingId) -> Result<Trip, Failure> {
        let mut data = self.client.ask(BOOKING, json!({ "id": id, "atLeast": null })).await?;
        let answer = data["booking"].take();
        let word = |field: &str| answer[field].as_str().unwrap_or("UNKNOWN").to_owned();
        let (status, saga_status) = (word("status"), word("sagaStatus"));
        Ok(Trip { name, booking_id: id, status, saga_status, timeline: answer["timeline"].clone(), answer })
    }
}

fn booked(payload: &Value) -> Result<BookingId, Failure> {
    if payload["errors"][0]["code"] == "PAST" {
        return Err(Failure::failed(
            "the hotels, flights or cars here have seen days after the demo's: use another --data-dir",
        ));
    }
    if payload["errors"].as_array().is_some_and(|errors| !errors.is_empty()) {
        return Err(Failure::failed(format!("the trip was not taken: {}", payload["errors"])));
    }
    let id = payload["booking"]["id"].as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| Failure::failed("the answer names no booking"))
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}
