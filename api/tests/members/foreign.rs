//! Another's membership, points and rewards look as if they did not exist.

use axum::http::HeaderMap;
use serde_json::{Value, json};
use traveladvisor_api::Scope;
use traveladvisor_domain::id::MemberId;

use super::{
    GRANT, OPEN, SIGN_UP, ada, bob, booked, campaign, change, done, headers, listed, me, one, profile, signed_up, told,
};
use crate::world::{World, text};

/// Every way to look at a member.
const LOOK: &str = "query($id: ID!, $reward: ID!, $entry: ID!) { member(id: $id) { id email points { balance } } \
     vouchers(memberId: $id) { nodes { id } } node(id: $id) { id } nodes(ids: [$id, $reward, $entry]) { id } }";
const UPDATE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { member { id nickname version } \
     position errors { code message path } } }";
const CLOSE: &str = "mutation($input: CloseMemberInput!) { closeMember(input: $input) { member { id status email points { balance } } \
     position errors { code message path } } }";
const CLOSE_CAMPAIGN: &str = "mutation($input: CloseCampaignInput!) { closeCampaign(input: $input) { campaign { id status } \
     position errors { code message path } } }";

/// A world with Ada as a member who has a voucher, and the ids of all of it.
async fn with_ada() -> (World, Value) {
    let world = World::begin().await;
    let campaign_id = listed(&world, campaign("WELCOME", "SIGNUP", json!({ "points": "10" }))).await;
    listed(&world, campaign("TEN", "SIGNUP", json!({ "voucher": { "percent": 10 } }))).await;
    let signed_up = done(&world, SIGN_UP, profile("ada@example.com", json!({})), &ada()).await;
    let whole = me(&world, &ada(), &signed_up["position"]).await;
    let voucher = whole["vouchers"]["nodes"].as_array().expect("rewards").iter().find(|it| it["kind"] == "VOUCHER");
    let entry = whole["points"]["entries"]["nodes"][0]["id"].clone();
    let ids = json!({ "id": signed_up["member"]["id"], "reward": voucher.expect("a voucher")["id"], "entry": entry, "campaign": campaign_id });
    (world, ids)
}

#[tokio::test]
async fn a_member_is_seen_by_itself_and_by_operators_and_by_nobody_else() {
    let (world, ids) = with_ada().await;
    let own = world.send_with(LOOK, ids.clone(), ada()).await;
    assert_eq!(own["data"]["member"]["email"], "ada@example.com", "{own}");
    assert!(own["data"]["nodes"].as_array().expect("nodes").iter().all(Value::is_object), "{own}");
    let operator = world.send_with(LOOK, ids.clone(), headers("night@example.com", &[Scope::Operations])).await;
    assert_eq!(operator["data"], own["data"], "operators see the members of all");
    let nobody = MemberId::of("nobody");
    let absent = json!({ "id": nobody, "reward": "reward_00000000000000000000000000", "entry": format!("entry_{}_1", nobody.account()) });
    signed_up(&world, "bob@example.com").await;
    for (who, by) in [("a stranger", super::traveller("eve@example.com")), ("another member", bob())] {
        let foreign = world.send_with(LOOK, ids.clone(), by.clone()).await;
        let none = world.send_with(LOOK, absent.clone(), by).await;
        assert_eq!(foreign, none, "{who}");
        assert_eq!(foreign["data"]["member"], Value::Null, "{who}: {foreign}");
        assert_eq!(foreign["data"]["nodes"], json!([null, null, null]), "{who}: {foreign}");
    }
    let stranger =
        world.send_with("{ me { id } vouchers { nodes { id } } }", json!({}), super::traveller("eve@example.com"));
    assert_eq!(stranger.await["data"], json!({ "me": null, "vouchers": { "nodes": [] } }));
    // By its id everybody finds a campaign, and without the right to read trips nobody a member.
    let known = headers("ada@example.com", &[]);
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let found = world
        .send_with(nodes, json!({ "ids": [ids["campaign"], ids["id"], ids["reward"], ids["entry"]] }), known)
        .await;
    assert_eq!(found["data"]["nodes"], json!([{ "id": ids["campaign"] }, null, null, null]), "{found}");
}

#[tokio::test]
async fn by_an_address_only_operators_find_a_member() {
    const FIND: &str =
        "query($id: ID, $email: String, $at: Position) { member(id: $id, email: $email, atLeast: $at) { id email } }";
    let (world, ids) = with_ada().await;
    let operator = headers("night@example.com", &[Scope::Operations]);
    let found = json!({ "member": { "id": ids["id"], "email": "ada@example.com" } });
    for email in ["ada@example.com", " ADA@Example.com "] {
        let answer = world.send_with(FIND, json!({ "email": email }), operator.clone()).await;
        assert_eq!(answer["data"], found, "{email}: {answer}");
    }
    let none = json!({ "data": { "member": null } });
    for (email, by) in [
        ("ada@example.com", bob()),
        ("ada@example.com", ada()),
        ("ada@example.com", headers("x@example.com", &[Scope::BookingsRead, Scope::BookingsWrite, Scope::SupplyWrite])),
        ("eve@example.com", operator.clone()),
        ("ada@example", operator.clone()),
        ("%@example.com", operator.clone()),
    ] {
        let mut answer = world.send_with(FIND, json!({ "email": email }), by).await;
        answer.as_object_mut().expect("an answer").retain(|name, _| name == "data" || name == "errors");
        assert_eq!(answer, none, "{email}");
    }
    let without = world.send_with(FIND, json!({ "email": "ada@example.com" }), headers("x@example.com", &[])).await;
    assert_eq!(without["errors"][0]["extensions"]["code"], "FORBIDDEN", "{without}");
    let long = format!("{}@example.com", "a".repeat(254));
    for (asked, path) in [
        (json!({}), "id"),
        (json!({ "id": ids["id"], "email": "ada@example.com" }), "email"),
        (json!({ "email": " " }), "email"),
        (json!({ "email": "a\u{0}da@example.com" }), "email"),
        (json!({ "email": long }), "email"),
    ] {
        let answer = world.send_with(FIND, asked.clone(), operator.clone()).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["path"]), (&json!("INVALID_INPUT"), &json!([path])), "{asked}");
    }
    // By the one that she has now, and by none once she has left.
    let moved = done(&world, UPDATE, json!({ "email": "countess@example.com" }), &ada()).await["position"].take();
    for (email, id) in [("ada@example.com", Value::Null), ("countess@example.com", ids["id"].clone())] {
        let answer = world.send_with(FIND, json!({ "email": email, "at": moved }), operator.clone()).await;
        assert_eq!(answer["data"]["member"].get("id").unwrap_or(&Value::Null), &id, "{answer}");
    }
    let left = done(&world, CLOSE, json!({}), &ada()).await["position"].take();
    let asked = json!({ "email": "countess@example.com", "at": left });
    assert_eq!(world.send_with(FIND, asked, operator).await["data"]["member"], Value::Null);
}

#[tokio::test]
async fn nobody_changes_or_closes_anothers_membership_and_operators_do() {
    let (world, ids) = with_ada().await;
    signed_up(&world, "bob@example.com").await;
    let before = world.events().await.len();
    for member in [ids["id"].clone(), json!(MemberId::of("nobody")), json!("nonsense"), json!(world.hotel)] {
        let update = change(&world, UPDATE, json!({ "memberId": member, "nickname": "mine" }), &bob()).await;
        assert_eq!(told(&update), one("NOT_FOUND", "input.memberId"), "{member}");
        let close = change(&world, CLOSE, json!({ "memberId": member }), &bob()).await;
        assert_eq!(told(&close), one("NOT_FOUND", "input.memberId"), "{member}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was written");
    let operator = headers("night@example.com", &[Scope::Operations]);
    let input = json!({ "memberId": ids["id"], "nickname": "countess", "expectedVersion": 99 });
    let moved = change(&world, UPDATE, input, &operator).await;
    assert_eq!(told(&moved), one("VERSION_CONFLICT", "input.expectedVersion"));
    assert_eq!(moved["member"]["nickname"], "nick", "the member as it stands comes with it");
    let version = moved["member"]["version"].clone();
    let input = json!({ "memberId": ids["id"], "nickname": "countess", "expectedVersion": version });
    assert_eq!(done(&world, UPDATE, input, &operator).await["member"]["nickname"], "countess");
    let closed = done(&world, CLOSE, json!({ "memberId": ids["id"], "reason": "asked for" }), &operator).await;
    assert_eq!(closed["member"]["status"], "CLOSED", "{closed}");
    assert_eq!((&closed["member"]["email"], &closed["member"]["points"]["balance"]), (&Value::Null, &json!("0")));
    // What she was granted is there to be seen, and nothing of it to be used.
    let rewards = "query($id: ID!, $at: Position) { vouchers(memberId: $id, atLeast: $at) { nodes { isUsable } } \
         usable: vouchers(memberId: $id, usable: true, atLeast: $at) { nodes { id } } \
         member(id: $id, atLeast: $at) { vouchers(usable: true) { nodes { id } } } }";
    let asked = json!({ "id": ids["id"], "at": closed["position"] });
    let seen = world.send_with(rewards, asked, operator).await["data"].take();
    assert_eq!(seen["vouchers"]["nodes"], json!([{ "isUsable": false }, { "isUsable": false }]));
    assert_eq!((&seen["usable"]["nodes"], &seen["member"]["vouchers"]["nodes"]), (&json!([]), &json!([])));
    // Again it is so already; and who has left comes not back.
    done(&world, CLOSE, json!({}), &ada()).await;
    let again = profile("ada@example.com", json!({ "idempotencyKey": "2" }));
    assert_eq!(told(&change(&world, SIGN_UP, again, &ada()).await), one("MEMBER_CLOSED", ""));
    let update = change(&world, UPDATE, json!({ "nickname": "x" }), &ada()).await;
    assert_eq!(told(&update), one("MEMBER_CLOSED", ""));
}

#[tokio::test]
async fn campaigns_and_rewards_take_an_operator() {
    let (world, ids) = with_ada().await;
    let before = world.events().await.len();
    let all = headers("ada@example.com", &[Scope::BookingsRead, Scope::BookingsWrite, Scope::SupplyWrite]);
    let grant = json!({ "idempotencyKey": "mine", "memberId": ids["id"], "points": "1000000", "reason": "because" });
    let open = json!({ "idempotencyKey": "mine", "campaign": campaign("MINE", "SIGNUP", json!({ "points": "1" })) });
    let close = json!({ "campaignId": ids["campaign"] });
    for (query, input) in [(GRANT, grant), (OPEN, open), (CLOSE_CAMPAIGN, close)] {
        let answer = world.send_with(query, json!({ "input": input }), all.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was granted, opened or closed");
}

#[tokio::test]
async fn anothers_voucher_makes_no_trip_cheaper_and_an_operator_spends_none_either() {
    let (world, ids) = with_ada().await;
    signed_up(&world, "bob@example.com").await;
    let trip = json!({ "voucher": ids["reward"], "payment": { "method": "NONE", "cardNumber": null } });
    let absent =
        json!({ "voucher": "reward_00000000000000000000000000", "payment": { "method": "NONE", "cardNumber": null } });
    for by in [bob(), super::traveller("eve@example.com"), HeaderMap::new()] {
        let foreign = booked(&world, trip.clone(), &by).await;
        assert_eq!(told(&foreign), one("NOT_FOUND", "input.voucher"));
        assert_eq!(foreign, booked(&world, absent.clone(), &by).await);
    }
    let own = booked(&world, trip, &ada()).await;
    assert_eq!(text(&own["booking"]["total"]["amount"]), "702.90", "{own}");
}
