//! Vouchers: what they take off a trip, and which trips they are for.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{GRANT, ada, booked, campaign, done, listed, me, one, signed_up, told};
use crate::world::{BOOK, World, text};

const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status } \
     position errors { code message path } } }";
const DISCOUNTS: &str = "query($id: ID!) { booking(id: $id) { total { amount } discount { voucher amount { amount } } \
     hotel { price { amount } discount { amount } } flight { price { amount } discount { amount } } car { price { amount } discount { amount } } } }";

/// Grants a member the reward of a new campaign; its id.
async fn voucher(world: &World, member: &str, code: &str, reward: Value) -> String {
    let id = listed(world, campaign(code, "REVIEW", reward)).await;
    let input =
        json!({ "idempotencyKey": format!("grant {code}"), "memberId": member, "campaignId": id, "cause": "review-1" });
    text(&done(world, GRANT, input, &HeaderMap::new()).await["reward"]["id"])
}

/// A trip with a voucher, paid at the counter.
fn with(voucher: &str, key: &str) -> Value {
    json!({ "idempotencyKey": key, "voucher": voucher, "payment": { "method": "NONE", "cardNumber": null } })
}

#[tokio::test]
async fn a_voucher_makes_one_trip_cheaper_and_is_free_again_when_that_is_cancelled() {
    let world = World::begin().await;
    let member = signed_up(&world, "ada@example.com").await;
    let voucher = voucher(&world, &member, "TENTH", json!({ "voucher": { "percent": 10 } })).await;
    let first = booked(&world, with(&voucher, "first"), &ada()).await;
    assert_eq!(first["booking"]["status"], "APPROVED", "{first}");
    let seen = world.send_with(DISCOUNTS, json!({ "id": first["booking"]["id"] }), ada()).await;
    let trip = &seen["data"]["booking"];
    assert_eq!(
        (&trip["total"]["amount"], &trip["discount"]["amount"]["amount"]),
        (&json!("702.90"), &json!("78.10")),
        "{seen}"
    );
    assert_eq!(trip["discount"]["voucher"], voucher);
    let shares = ["hotel", "flight", "car"].map(|part| text(&trip[part]["discount"]["amount"]));
    assert_eq!(shares, ["20.10", "50.00", "8.00"], "{seen}");
    let used = me(&world, &ada(), &first["position"]).await["vouchers"]["nodes"][0].take();
    assert_eq!((&used["isUsable"], &used["bookingId"]), (&json!(false), &first["booking"]["id"]), "{used}");
    let second = booked(&world, with(&voucher, "second"), &ada()).await;
    assert_eq!(told(&second), one("VOUCHER_USED", "input.voucher"));
    let input = json!({ "bookingId": first["booking"]["id"], "wait": "FINISHED" });
    done(&world, CANCEL, input, &ada()).await;
    let third = booked(&world, with(&voucher, "third"), &ada()).await;
    assert_eq!(third["booking"]["total"]["amount"], "702.90", "{third}");
}

#[tokio::test]
async fn a_voucher_is_only_for_the_trips_that_it_is_for() {
    let world = World::begin().await;
    let member = signed_up(&world, "ada@example.com").await;
    let amount = |amount: &str, currency: &str| json!({ "amount": amount, "currency": currency });
    let of = async |code: &str, terms: Value| voucher(&world, &member, code, json!({ "voucher": terms })).await;
    let foreign = of("EURO", json!({ "amount": amount("5", "EUR") })).await;
    let large = of("LARGE", json!({ "percent": 5, "minimumTotal": amount("781.01", "GBP") })).await;
    let gift = voucher(&world, &member, "MUG", json!({ "gift": "a mug" })).await;
    for (voucher, code) in
        [(foreign, "CURRENCY_MISMATCH"), (large, "VOUCHER_NOT_APPLICABLE"), (gift, "VOUCHER_NOT_APPLICABLE")]
    {
        let refused = booked(&world, with(&voucher, &voucher), &ada()).await;
        assert_eq!(told(&refused), one(code, "input.voucher"), "{refused}");
    }
    // One that takes more off than the trip costs makes it free: nothing is charged, and nothing is refused.
    let all = of("ALL", json!({ "amount": amount("10000", "GBP") })).await;
    let mut free = with(&all, "free");
    free["payment"] = json!({ "method": "CARD" });
    let free = booked(&world, free, &ada()).await;
    assert_eq!(
        (&free["booking"]["status"], &free["booking"]["total"]["amount"]),
        (&json!("APPROVED"), &json!("0.00")),
        "{free}"
    );
    assert_eq!(world.charges().await, 0, "nothing was charged");
}

#[tokio::test]
async fn a_voucher_is_valid_for_its_days_and_not_a_moment_longer() {
    let world = World::begin().await;
    let member = signed_up(&world, "ada@example.com").await;
    let terms = json!({ "voucher": { "percent": 10, "validDays": 1 } });
    let voucher = voucher(&world, &member, "TODAY", terms).await;
    // The same log a few weeks later.
    let later = world.another_at("2025-01-05T00:00:00Z").await;
    let trip = json!({ "input": world.trip(with(&voucher, "late")) });
    let refused = later.ask_as(BOOK, trip, ada()).await["bookTrip"].take();
    assert_eq!(told(&refused), one("VOUCHER_EXPIRED", "input.voucher"), "{refused}");
    let usable = "{ vouchers(usable: true) { nodes { id } } me { vouchers { nodes { id isUsable } } } }";
    let seen = later.ask_as(usable, json!({}), ada()).await;
    assert_eq!(seen["vouchers"]["nodes"], json!([]));
    assert_eq!(seen["me"]["vouchers"]["nodes"], json!([{ "id": voucher, "isUsable": false }]));
}

#[tokio::test]
async fn the_expected_total_is_the_discounted_one() {
    let world = World::begin().await;
    let member = signed_up(&world, "ada@example.com").await;
    let voucher = voucher(&world, &member, "TENTH", json!({ "discount": { "percent": 10 } })).await;
    let mut trip = with(&voucher, "expected");
    trip["expectedTotal"] = json!({ "amount": "781.00", "currency": "GBP" });
    let refused = booked(&world, trip.clone(), &ada()).await;
    assert_eq!(told(&refused), one("PRICE_CHANGED", "input.expectedTotal"));
    trip["expectedTotal"]["amount"] = json!("702.90");
    assert_eq!(booked(&world, trip, &ada()).await["booking"]["status"], "APPROVED");
}
