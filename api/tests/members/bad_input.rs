//! What is wrong with what members and operators send: told to the field, and nothing is written.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{OPEN, SIGN_UP, ada, bob, campaign, change, done, me, one, profile, signed_up, told};
use crate::world::World;

const UPDATE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { member { email nickname } \
     position errors { code message path } } }";

#[tokio::test]
async fn one_identity_and_one_address_have_one_member() {
    let world = World::begin().await;
    let first = done(&world, SIGN_UP, profile("ada@example.com", json!({})), &ada()).await;
    let again = done(&world, SIGN_UP, profile("ada@example.com", json!({})), &ada()).await;
    assert_eq!(first["member"]["id"], again["member"]["id"], "the same key is the same sign-up");
    let before = world.events().await.len();
    let second = profile("ada.other@example.com", json!({ "idempotencyKey": "another" }));
    assert_eq!(told(&change(&world, SIGN_UP, second, &ada()).await), one("ALREADY_EXISTS", ""));
    let other_input = profile("ada@example.com", json!({ "nickname": "another" }));
    assert_eq!(
        told(&change(&world, SIGN_UP, other_input, &ada()).await),
        one("IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey")
    );
    for spelling in ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"] {
        let taken = profile(spelling, json!({ "idempotencyKey": spelling }));
        let refused = change(&world, SIGN_UP, taken, &bob()).await;
        assert_eq!(told(&refused), one("ALREADY_EXISTS", "input.email"), "{spelling}");
        assert!(!refused.to_string().to_lowercase().contains("ada@"), "{refused}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was written");
    signed_up(&world, "bob@example.com").await;
    let taken = change(&world, UPDATE, json!({ "email": "ADA@example.com" }), &bob()).await;
    assert_eq!(told(&taken), one("ALREADY_EXISTS", "input.email"));
    // Who gives an address up leaves it to others; its own in another spelling it keeps.
    assert_eq!(
        done(&world, UPDATE, json!({ "email": "ADA@example.com" }), &ada()).await["member"]["email"],
        "ADA@example.com"
    );
    done(&world, UPDATE, json!({ "email": "countess@example.com" }), &ada()).await;
    done(&world, UPDATE, json!({ "email": "ada@example.com" }), &bob()).await;
    assert_eq!(me(&world, &bob(), &Value::Null).await["email"], "ada@example.com");
}

#[tokio::test]
async fn two_who_sign_up_with_one_address_at_once_become_one_member() {
    let world = World::begin().await;
    let people: Vec<HeaderMap> = (0..8).map(|number| super::traveller(&format!("{number}@example.com"))).collect();
    let asked = people.iter().map(|by| change(&world, SIGN_UP, profile("one@example.com", json!({})), by));
    let answers = futures::future::join_all(asked).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|payload| payload["errors"] == json!([]));
    assert_eq!((won.len(), lost.len()), (1, 7), "{answers:#?}");
    assert!(lost.iter().all(|payload| told(payload) == one("ALREADY_EXISTS", "input.email")), "{lost:#?}");
}

#[tokio::test]
async fn each_field_of_a_profile_that_breaks_its_rule_is_named() {
    let world = World::begin().await;
    let before = world.events().await.len();
    let long = "n".repeat(31);
    for (field, value) in [
        ("email", json!("ada")),
        ("email", json!("ada @example.com")),
        ("email", json!("")),
        ("nickname", json!(long)),
        ("nickname", json!("")),
        ("nickname", json!("  ")),
        ("nickname", json!("\u{200b}\u{3164}")),
        ("firstName", json!("A\u{0}da")),
        ("firstName", json!("A\u{202e}da")),
        ("lastName", json!("4242 4242 4242 4242")),
        ("contactNumber", json!("1".repeat(21))),
        ("contactNumber", json!("4242 4242 4242 4242")),
        ("idempotencyKey", json!("")),
    ] {
        let refused = change(&world, SIGN_UP, profile("ada@example.com", json!({ field: value })), &ada()).await;
        assert_eq!(told(&refused), one("INVALID_INPUT", &format!("input.{field}")), "{value}");
    }
    assert_eq!(world.events().await.len(), before, "nothing was written");
    let odd = json!({ "nickname": "\u{5e9}\u{200f}é😀", "firstName": "Zoë", "lastName": "王", "contactNumber": "☎ 1" });
    let payload = done(&world, SIGN_UP, profile("ada@example.com", odd), &ada()).await;
    assert_eq!(payload["member"]["nickname"], "\u{5e9}\u{200f}é😀", "names are kept as they are given");
    let blank = change(&world, UPDATE, json!({ "nickname": " ", "lastName": long }), &ada()).await;
    let both = [one("INVALID_INPUT", "input.nickname"), one("INVALID_INPUT", "input.lastName")].concat();
    assert_eq!(told(&blank), both, "all that is wrong is told at once");
    let stranger = change(&world, UPDATE, json!({ "nickname": "x" }), &bob()).await;
    assert_eq!(told(&stranger), one("NOT_FOUND", ""), "who is no member has no profile");
}

#[tokio::test]
async fn a_campaign_that_makes_no_sense_is_refused_at_its_field() {
    let world = World::begin().await;
    let before = world.events().await.len();
    let open = |campaign: Value| json!({ "idempotencyKey": "bad", "campaign": campaign });
    let changed = |field: &str, value: Value| {
        let mut whole = campaign("BAD", "SIGNUP", json!({ "points": "5" }));
        whole[field] = value;
        whole
    };
    let euros =
        json!({ "amount": { "amount": "5", "currency": "EUR" }, "minimumTotal": { "amount": "5", "currency": "GBP" } });
    for (field, value, code, path) in [
        ("endsAt", json!("2024-10-01T00:00:00Z"), "INVALID_INPUT", "campaign.endsAt"),
        ("endsAt", json!("2024-11-01T00:00:00Z"), "INVALID_INPUT", "campaign.endsAt"),
        ("budget", json!(0), "INVALID_INPUT", "campaign.budget"),
        ("name", json!("n".repeat(256)), "INVALID_INPUT", "campaign.name"),
        ("description", json!("\u{2066}"), "INVALID_INPUT", "campaign.description"),
        ("reward", json!({ "points": "-5" }), "INVALID_INPUT", "campaign.reward.points"),
        ("reward", json!({ "points": "0.5" }), "INVALID_INPUT", "campaign.reward.points"),
        ("reward", json!({ "voucher": euros }), "CURRENCY_MISMATCH", "campaign.reward"),
    ] {
        let refused = change(&world, OPEN, open(changed(field, value.clone())), &HeaderMap::new()).await;
        assert_eq!(told(&refused), one(code, &format!("input.{path}")), "{field}: {value}");
    }
    let unknown = json!({ "idempotencyKey": "bad", "campaignId": "campaign_00000000000000000000000000" });
    assert_eq!(told(&change(&world, OPEN, unknown, &HeaderMap::new()).await), one("NOT_FOUND", "input.campaignId"));
    let neither = change(&world, OPEN, json!({ "idempotencyKey": "bad" }), &HeaderMap::new()).await;
    assert_eq!(told(&neither), one("INVALID_INPUT", ""));
    assert_eq!(world.events().await.len(), before, "nothing was written");
    for reward in [json!({}), json!({ "points": "5", "gift": "a mug" }), json!({ "points": 5 })] {
        let campaign = open(changed("reward", reward.clone()));
        let answer = world.send(OPEN, json!({ "input": campaign })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{reward}: {answer}");
    }
}
