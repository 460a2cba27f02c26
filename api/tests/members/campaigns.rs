//! Campaigns: listed, opened and closed by operators, seen by everybody.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{
    GRANT, OPEN, SIGN_UP, ada, bob, campaign, change, done, headers, listed, me, one, profile, signed_up, told,
};
use crate::world::{World, text};

const CLOSE: &str = "mutation($input: CloseCampaignInput!) { closeCampaign(input: $input) { campaign { id status granted } \
     position errors { code message path } } }";
const CAMPAIGNS: &str = "query($filter: CampaignFilter) { campaigns(filter: $filter) { nodes { code status } } }";

/// The operator: whoever asks without a token, as long as there is no issuer.
fn operator() -> HeaderMap {
    HeaderMap::new()
}

async fn codes(world: &World, filter: Value) -> Vec<String> {
    // Campaigns take no right.
    let answer = world.send_with(CAMPAIGNS, json!({ "filter": filter }), headers("eve@example.com", &[])).await;
    let nodes = answer["data"]["campaigns"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    nodes.iter().map(|campaign| text(&campaign["code"])).collect()
}

#[tokio::test]
async fn a_campaign_grants_from_its_opening_to_its_close_and_everybody_sees_where_it_stands() {
    let world = World::begin().await;
    let mut later = campaign("LATER", "SIGNUP", json!({ "points": "100" }));
    later["opensAt"] = json!("2025-06-01T00:00:00Z");
    let id = listed(&world, later.clone()).await;
    listed(&world, campaign("REVIEWS", "REVIEW", json!({ "gift": "a mug" }))).await;
    assert_eq!(codes(&world, Value::Null).await, ["LATER", "REVIEWS"]);
    assert_eq!(codes(&world, json!({ "status": ["WILL_OPEN"] })).await, ["LATER"]);
    assert_eq!(codes(&world, json!({ "action": ["REVIEW"], "status": ["ACTIVE"] })).await, ["REVIEWS"]);
    signed_up(&world, "ada@example.com").await;
    assert_eq!(me(&world, &ada(), &Value::Null).await["points"]["balance"], "0", "it has not begun");
    let opened = done(&world, OPEN, json!({ "idempotencyKey": "now", "campaignId": id }), &operator()).await;
    assert_eq!(opened["campaign"]["status"], "ACTIVE", "{opened}");
    let bobs = done(&world, SIGN_UP, profile("bob@example.com", json!({})), &bob()).await;
    assert_eq!(bobs["member"]["points"]["balance"], "100", "{bobs}");
    let closed = done(&world, CLOSE, json!({ "campaignId": id }), &operator()).await;
    assert_eq!((&closed["campaign"]["status"], &closed["campaign"]["granted"]), (&json!("CLOSE"), &json!("1")));
    done(&world, CLOSE, json!({ "campaignId": id }), &operator()).await;
    let eve = super::traveller("eve@example.com");
    let eves = done(&world, SIGN_UP, profile("eve@example.com", json!({})), &eve).await;
    assert_eq!(eves["member"]["points"]["balance"], "0", "it is closed");
    let again = change(&world, OPEN, json!({ "idempotencyKey": "again", "campaignId": id }), &operator()).await;
    assert_eq!(told(&again), one("CAMPAIGN_CLOSED", "input.campaignId"));
    later["name"] = json!("Another name");
    let changed = change(&world, OPEN, json!({ "idempotencyKey": "other", "campaign": later }), &operator()).await;
    assert_eq!(told(&changed), one("CAMPAIGN_CLOSED", "input.campaign"));
}

#[tokio::test]
async fn a_cause_is_rewarded_once_whatever_the_key_and_only_while_the_campaign_is_open() {
    let world = World::begin().await;
    let review = listed(&world, campaign("REVIEWS", "REVIEW", json!({ "points": "30" }))).await;
    let mut later = campaign("LATER", "REVIEW", json!({ "points": "30" }));
    later["opensAt"] = json!("2025-06-01T00:00:00Z");
    let later = listed(&world, later).await;
    let (ada_id, bob_id) = (signed_up(&world, "ada@example.com").await, signed_up(&world, "bob@example.com").await);
    let grant = |key: &str, member: &str, campaign: &str, cause: &str| json!({ "idempotencyKey": key, "memberId": member, "campaignId": campaign, "cause": cause });
    for key in ["1", "1", "2"] {
        let granted = done(&world, GRANT, grant(key, &ada_id, &review, "review-1"), &operator()).await;
        assert_eq!(granted["reward"]["points"], "30", "{granted}");
        assert_eq!(granted["member"]["points"]["balance"], "30", "{granted}");
    }
    let nobody = "member_00000000000000000000000000";
    let unknown = "campaign_00000000000000000000000000";
    for (key, input, code, path) in [
        ("3", grant("3", &bob_id, &review, "review-1"), "ALREADY_EXISTS", "cause"),
        ("4", grant("4", &bob_id, &later, "review-2"), "CAMPAIGN_NOT_OPEN", "campaignId"),
        ("5", grant("5", nobody, &review, "review-2"), "NOT_FOUND", "memberId"),
        ("6", grant("6", &bob_id, unknown, "review-2"), "NOT_FOUND", "campaignId"),
        ("7", grant("7", &bob_id, &review, "a review"), "INVALID_INPUT", "cause"),
    ] {
        let refused = change(&world, GRANT, input, &operator()).await;
        assert_eq!(told(&refused), one(code, &format!("input.{path}")), "{key}");
    }
    done(&world, CLOSE, json!({ "campaignId": review }), &operator()).await;
    let closed = change(&world, GRANT, grant("8", &bob_id, &review, "review-2"), &operator()).await;
    assert_eq!(told(&closed), one("CAMPAIGN_CLOSED", "input.campaignId"));
    assert_eq!(me(&world, &bob(), &Value::Null).await["points"]["balance"], "0");
}

#[tokio::test]
async fn the_last_reward_of_a_budget_closes_its_campaign() {
    let world = World::begin().await;
    let mut two = campaign("TWO", "SIGNUP", json!({ "points": "7" }));
    two["budget"] = json!(2);
    listed(&world, two).await;
    for (email, balance) in [("ada@example.com", "7"), ("bob@example.com", "7"), ("eve@example.com", "0")] {
        let by = super::traveller(email);
        let payload = done(&world, SIGN_UP, profile(email, json!({})), &by).await;
        assert_eq!(payload["member"]["points"]["balance"], balance, "{email}");
    }
    assert_eq!(codes(&world, json!({ "status": ["CLOSE"] })).await, ["TWO"]);
}

#[tokio::test]
async fn who_refers_a_new_member_gets_what_is_promised_for_it() {
    let world = World::begin().await;
    listed(&world, campaign("FRIENDS", "REFERRAL", json!({ "voucher": { "percent": 10, "validDays": 30 } }))).await;
    let referrer = signed_up(&world, "ada@example.com").await;
    let absent = json!("member_00000000000000000000000000");
    for (from, code) in [(absent, "NOT_FOUND"), (json!("nonsense"), "NOT_FOUND")] {
        let refused = change(&world, SIGN_UP, profile("bob@example.com", json!({ "referrer": from })), &bob()).await;
        assert_eq!(told(&refused), one(code, "input.referrer"));
    }
    let payload = done(&world, SIGN_UP, profile("bob@example.com", json!({ "referrer": referrer })), &bob()).await;
    let seen = "query($at: Position) { vouchers(usable: true, atLeast: $at) { nodes { kind percent isUsable expiresAt cause } } }";
    let answer = world.send_with(seen, json!({ "at": payload["position"] }), ada()).await;
    let vouchers = answer["data"]["vouchers"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(vouchers.len(), 1, "{answer}");
    assert_eq!((&vouchers[0]["percent"], &vouchers[0]["isUsable"]), (&json!(10), &json!(true)));
    assert_eq!(vouchers[0]["cause"], payload["member"]["id"], "once for each new member");
}
