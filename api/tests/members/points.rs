//! Points: where they come from, what they pay, and that they come back.

use serde_json::{Value, json};

use super::{
    GRANT, ada, booked, campaign, done, headers, listed, me, one, profile, signed_up, told, world_with_points,
};
use super::{SIGN_UP, change};
use crate::world::{World, text};
use axum::http::HeaderMap;
use traveladvisor_api::Scope;

const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status } \
     position errors { code message path } } }";
/// Payment by points, without a card.
fn by_points(key: &str) -> Value {
    json!({ "idempotencyKey": key, "payment": { "method": "POINTS", "cardNumber": null } })
}

fn entries(member: &Value) -> Vec<(String, String)> {
    let nodes = member["points"]["entries"]["nodes"].as_array().expect("entries").iter();
    nodes.map(|entry| (text(&entry["type"]), text(&entry["points"]))).collect()
}

fn entry(kind: &str, points: &str) -> (String, String) {
    (kind.to_owned(), points.to_owned())
}

#[tokio::test]
async fn a_member_pays_a_trip_with_points_and_has_them_back_when_it_is_cancelled() {
    let world = world_with_points("1000000").await;
    let signed_up = done(&world, SIGN_UP, profile("ada@example.com", json!({})), &ada()).await;
    assert_eq!(signed_up["member"]["points"]["balance"], "1000000", "{signed_up}");
    assert_eq!(signed_up["member"]["gender"], "UNDISCLOSED");
    let trip = booked(&world, by_points("points"), &ada()).await;
    assert_eq!(trip["booking"]["status"], "APPROVED", "{trip}");
    // 781 pounds at 100 points a pound: two nights, a seat, two days.
    assert_eq!(trip["booking"]["total"]["amount"], "781.00", "{trip}");
    let paid = me(&world, &ada(), &trip["position"]).await;
    assert_eq!(entries(&paid), [entry("REDEEM", "-78100"), entry("EARN", "1000000")]);
    assert_eq!(paid["points"]["balance"], "921900");
    assert_eq!(paid["points"]["entries"]["nodes"][0]["bookingId"], trip["booking"]["id"]);
    assert_eq!(paid["points"]["entries"]["nodes"][0]["value"]["amount"], "781.00");
    let input = json!({ "bookingId": trip["booking"]["id"], "wait": "FINISHED" });
    let cancelled = done(&world, CANCEL, input, &ada()).await;
    assert_eq!(cancelled["booking"]["status"], "CANCELLED");
    let back = wait_for_entries(&world, 3).await;
    assert_eq!(back["points"]["balance"], "1000000");
    assert_eq!(entries(&back)[0], entry("RESTORED", "78100"));
    let ledger = "query($id: ID!, $at: Position) { paymentLedger(bookingId: $id, atLeast: $at) { charged { amount } redeemed { amount } \
         restored { amount } kept { amount } } }";
    let asked = json!({ "id": trip["booking"]["id"], "at": back["points"]["entries"]["nodes"][0]["position"] });
    let (zero, worth) = (json!({ "amount": "0.00" }), json!({ "amount": "781.00" }));
    let line = json!({ "charged": zero, "redeemed": worth, "restored": worth, "kept": zero });
    assert_eq!(world.ask(ledger, asked).await["paymentLedger"], json!([line]), "points move no money");
    assert_eq!(back["bookings"]["nodes"], json!([{ "id": trip["booking"]["id"], "status": "CANCELLED" }]));
}

/// The read model of points follows that of trips by itself: it is read until it has so many entries.
async fn wait_for_entries(world: &World, count: usize) -> Value {
    let read = async {
        loop {
            let member = me(world, &ada(), &Value::Null).await;
            if entries(&member).len() >= count {
                // Its fields are read one after the other: all of them show what the entries show when they are read once more.
                return me(world, &ada(), &Value::Null).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), read).await.expect("the entries come")
}

#[tokio::test]
async fn too_few_points_refuse_a_trip_and_who_is_no_member_has_none() {
    let world = world_with_points("5").await;
    let stranger = booked(&world, by_points("stranger"), &ada()).await;
    assert_eq!(told(&stranger), one("PAYMENT_METHOD_UNAVAILABLE", "input.payment.method"));
    signed_up(&world, "ada@example.com").await;
    let trip = booked(&world, by_points("poor"), &ada()).await;
    assert_eq!(trip["booking"]["status"], "CANCELLED", "{trip}");
    assert_eq!(trip["booking"]["failure"]["code"], "INSUFFICIENT_FUNDS", "{trip}");
    assert_eq!(trip["booking"]["payment"]["status"], "FAILED", "{trip}");
    let member = me(&world, &ada(), &trip["position"]).await;
    assert_eq!((&member["points"]["balance"], entries(&member).len()), (&json!("5"), 1));
}

#[tokio::test]
async fn points_given_by_hand_tell_their_reason_and_a_key_gives_them_once() {
    let world = world_with_points("5").await;
    let member = signed_up(&world, "ada@example.com").await;
    let gift = json!({ "idempotencyKey": "sorry", "memberId": member, "points": "250", "reason": "a late flight" });
    for _ in 0..2 {
        let payload = done(&world, GRANT, gift.clone(), &HeaderMap::new()).await;
        assert_eq!((&payload["reward"], &payload["member"]["points"]["balance"]), (&Value::Null, &json!("255")));
    }
    let seen = me(&world, &ada(), &Value::Null).await;
    assert_eq!(seen["points"]["entries"]["nodes"][0]["reason"], "a late flight");
    let mut other = gift.clone();
    other["points"] = json!("251");
    let other_input = change(&world, GRANT, other, &HeaderMap::new()).await;
    assert_eq!(told(&other_input), one("IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey"));
    for (points, path) in [("-5", "points"), ("1.5", "points"), ("0", "points"), ("a", "points")] {
        let bad = json!({ "idempotencyKey": points, "memberId": member, "points": points, "reason": "no" });
        let refused = change(&world, GRANT, bad, &HeaderMap::new()).await;
        assert_eq!(told(&refused), one("INVALID_INPUT", &format!("input.{path}")), "{points}");
    }
    let most = json!({ "idempotencyKey": "most", "memberId": member, "points": "1000000000000000", "reason": "no" });
    let refused = change(&world, GRANT, most, &HeaderMap::new()).await;
    assert_eq!(told(&refused), one("INVALID_INPUT", "input.points"), "an account is never overfull");
    let sentence = text(&refused["errors"][0]["message"]);
    assert!(sentence.contains("an account holds at most 1000000000000000"), "{sentence}");
}

#[tokio::test]
async fn a_campaign_whose_points_the_account_cannot_hold_is_refused_with_what_to_do() {
    let world = world_with_points("5").await;
    let member = signed_up(&world, "ada@example.com").await;
    let large = listed(&world, campaign("LARGE", "REVIEW", json!({ "points": "1000000000000" }))).await;
    let most = json!({ "idempotencyKey": "most", "memberId": member, "points": "999000000000005", "reason": "no" });
    done(&world, GRANT, most, &HeaderMap::new()).await;
    let grant = json!({ "idempotencyKey": "large", "memberId": member, "campaignId": large, "cause": "review-1" });
    let refused = change(&world, GRANT, grant, &HeaderMap::new()).await;
    assert_eq!(told(&refused), one("INVALID_INPUT", "input.memberId"), "{refused}");
    let sentence = "The member's account cannot hold so many points more: grant another reward.";
    assert_eq!(refused["errors"][0]["message"], sentence);
    let before = json!("999000000000010");
    assert_eq!(me(&world, &ada(), &Value::Null).await["points"]["balance"], before);
}

#[tokio::test]
async fn operators_are_told_who_gave_points_by_hand_and_the_member_is_not() {
    const ENTRIES: &str =
        "query($id: ID!) { member(id: $id) { points { entries { nodes { id type reason actor } } } } }";
    let world = world_with_points("5").await;
    let member = signed_up(&world, "ada@example.com").await;
    let operator = headers("night@example.com", &[Scope::Operations]);
    let gift = json!({ "idempotencyKey": "sorry", "memberId": member, "points": "250", "reason": "a late flight" });
    done(&world, GRANT, gift, &operator).await;
    let actors = async |by: &HeaderMap| {
        let answer = world.send_with(ENTRIES, json!({ "id": member }), by.clone()).await;
        let entries = &answer["data"]["member"]["points"]["entries"]["nodes"];
        let entry = "query($id: ID!) { node(id: $id) { ... on PointsEntry { actor } } }";
        let node = world.send_with(entry, json!({ "id": entries[0]["id"] }), by.clone()).await;
        assert_eq!(node["data"]["node"]["actor"], entries[0]["actor"], "{node}");
        assert_eq!((&entries[0]["reason"], &entries[1]["actor"]), (&json!("a late flight"), &Value::Null), "{answer}");
        entries[0]["actor"].clone()
    };
    assert_eq!(actors(&ada()).await, Value::Null);
    let told = text(&actors(&operator).await);
    assert!(!told.is_empty() && !told.contains("night@example.com"), "an opaque name: {told}");
}

#[tokio::test]
async fn the_history_of_points_is_read_page_by_page_and_each_entry_by_its_id() {
    let world = world_with_points("5").await;
    let member = signed_up(&world, "ada@example.com").await;
    let mut position = Value::Null;
    for number in 1..=4 {
        let gift = json!({ "idempotencyKey": number.to_string(), "memberId": member, "points": number.to_string(), "reason": "why" });
        position = done(&world, GRANT, gift, &HeaderMap::new()).await["position"].take();
    }
    let pages = "query($at: Position, $after: String) { me(atLeast: $at) { points { balance entries(first: 2, after: $after) { \
         nodes { id points balance } pageInfo { hasNextPage endCursor } } } } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.send_with(pages, json!({ "at": position, "after": after }), ada()).await;
        let page = &answer["data"]["me"]["points"]["entries"];
        seen.extend(page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let points: Vec<String> = seen.iter().map(|entry| text(&entry["points"])).collect();
    assert_eq!(points, ["4", "3", "2", "1", "5"]);
    assert_eq!(seen[0]["balance"], "15");
    for entry in &seen {
        let node = "query($id: ID!) { node(id: $id) { id ... on PointsEntry { points balance } } }";
        let found = world.send_with(node, json!({ "id": entry["id"] }), ada()).await;
        assert_eq!(found["data"]["node"], *entry);
    }
}
