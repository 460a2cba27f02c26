//! Access by tokens of a real identity provider, got as applications get them. `just identity` starts Keycloak and runs these.

mod house;
mod realm;
mod web;

use std::thread;

use serde_json::{Value, json};
use traveladvisor_api::limits::KEYS_PAUSE;

use self::house::{House, OPERATIONS, refused};
use self::realm::{Realm, Tokens, printed_token};
use crate::support::until;

const MINE: &str = "{ bookings { nodes { id } } }";
const CANCEL: &str = "mutation($id: ID!) { cancelBooking(input: {bookingId: $id}) { booking { id } errors { code } } }";
const LIST_A_HOTEL: &str = r#"mutation { upsertHotel(input: {code: "H2", name: "Another", city: "Nice", country: "FR", timeZone: "Europe/Paris", roomTypes: [{code: "DBL", name: "Double", rooms: 1, nightlyPrice: {amount: "90.00", currency: "EUR"}}]}) { hotel { name } errors { code } } }"#;
/// All that a traveller may ask for.
const TRAVEL: &str = "bookings:read bookings:write";

#[test]
#[ignore = "needs Keycloak: just identity"]
fn people_and_services_do_what_their_tokens_say_and_see_their_own_trips_only() {
    let house = House::trusting(&Realm::as_started());
    let [alice, bob, gateway, olivia] = ["alice", "bob", "gateway", "olivia"].map(|name| printed_token(&[name]));

    let trip = house.books(&alice, "one key for all");
    assert_eq!(house.reads(&alice, &trip)["traveller"]["email"], "traveller@example.test");
    // The same key of another caller is another key.
    let sold = house.books(&gateway, "one key for all");
    assert_ne!(sold.id, trip.id);

    for other in [&bob, &gateway] {
        assert_eq!(house.reads(other, &trip), Value::Null);
        let cancelled = house.told(other, CANCEL, &json!({ "id": trip.id }));
        assert_eq!(cancelled["data"]["cancelBooking"]["errors"][0]["code"], "NOT_FOUND", "{cancelled}");
    }
    assert_eq!(house.told(&bob, MINE, &Value::Null)["data"]["bookings"]["nodes"], json!([]));
    assert_eq!(house.told(&alice, MINE, &Value::Null)["data"]["bookings"]["nodes"], json!([{ "id": trip.id }]));
    assert_eq!(house.reads(&olivia, &trip)["status"], "APPROVED", "operators see all trips");

    let listed = house.told(&gateway, LIST_A_HOTEL, &Value::Null);
    assert_eq!(listed["data"]["upsertHotel"]["hotel"]["name"], "Another", "{listed}");
    for other in [&alice, &olivia] {
        assert_eq!(refused(&house.told(other, LIST_A_HOTEL, &Value::Null)), "FORBIDDEN");
    }
    assert!(house.told(&olivia, OPERATIONS, &Value::Null)["data"]["sagas"]["nodes"][0].is_object());
    for other in [&alice, &bob, &gateway] {
        assert_eq!(refused(&house.told(other, OPERATIONS, &Value::Null)), "FORBIDDEN");
    }
    assert_eq!(house.refusal_to_book(&olivia), "FORBIDDEN");
    let reader = printed_token(&["alice", "bookings:read"]);
    assert_eq!(house.reads(&reader, &trip)["status"], "APPROVED");
    assert_eq!(house.refusal_to_book(&reader), "FORBIDDEN");
    let nobody = house.ask(None, MINE, &Value::Null);
    assert_eq!((nobody.status, refused(&nobody.json())), (401, json!("UNAUTHENTICATED")));
}

#[test]
#[ignore = "needs Keycloak: just identity"]
fn nobody_gets_a_right_by_asking_for_it() {
    let realm = Realm::another("asking", |_| ());
    let house = House::trusting(&realm);
    // What the application has not it is not even asked to sign in for.
    for scope in ["supply:write", "operations"] {
        let refusal = realm.traveller("alice", scope).expect_err("alice got it");
        assert!(refusal.contains("error=invalid_scope"), "{scope}: {refusal}");
        let refusal = realm.of_the_service("traveladvisor-gateway", "gateway-development-secret", Some("operations"));
        assert!(refusal.expect_err("the gateway got it").contains("invalid_scope"));
    }
    // What the application has and the person has not is left out, at the first token and at every later one.
    let alice = realm.signed_in("alice", "traveladvisor-console", "operations").expect("tokens");
    let again = realm.refreshed("traveladvisor-console", &alice, "openid operations").expect("tokens");
    for tokens in [&alice, &again] {
        assert!(!tokens.scopes().contains(&"operations"), "{tokens:?}");
        assert_eq!(refused(&house.told(tokens.access(), OPERATIONS, &Value::Null)), "FORBIDDEN");
    }
    let olivia = realm.signed_in("olivia", "traveladvisor-console", "operations").expect("tokens");
    assert!(olivia.scopes().contains(&"operations"), "{olivia:?}");
    let olivia = realm.traveller("olivia", TRAVEL).expect("tokens");
    assert!(!olivia.scopes().iter().any(|scope| scope.starts_with("bookings")), "no traveller: {olivia:?}");
    // A refresh widens nothing.
    let reader = realm.traveller("alice", "bookings:read").expect("tokens");
    let wider = realm.refreshed("traveladvisor-web", &reader, TRAVEL);
    assert!(!wider.is_ok_and(|tokens| tokens.scopes().contains(&"bookings:write")));

    for client in ["traveladvisor-web", "traveladvisor-console", "admin-cli"] {
        realm.by_password(client, "alice").expect_err("a password became a token without the login page");
    }
    let plain = realm.code("alice", "traveladvisor-web", TRAVEL, &[]).expect_err("a code without PKCE");
    assert!(plain.contains("error=invalid_request"), "{plain}");
    let proof =
        [("code_challenge_method", "S256"), ("code_challenge", "a-challenge-that-somebody-else-made-and-keeps-")];
    let stolen = realm.code("alice", "traveladvisor-web", TRAVEL, &proof).expect("a code");
    realm
        .exchanged("traveladvisor-web", &stolen, "the-verifier-of-a-thief-who-has-seen-the-code-")
        .expect_err("stolen");
}

#[test]
#[ignore = "needs Keycloak: just identity"]
fn only_a_living_access_token_for_this_api_lets_in() {
    let realm = Realm::another("living", |realm| {
        let clients = realm["clients"].as_array_mut().expect("clients");
        // One whose tokens are over at once, one whose tokens are for another API, and one whose tokens are for nobody.
        let mut elsewhere = service("elsewhere", &["basic"], &json!({}));
        elsewhere["protocolMappers"] = json!([{
            "name": "audience",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": { "included.custom.audience": "another-api", "access.token.claim": "true" },
        }]);
        let hasty = service("hasty", &["basic", "traveladvisor-api"], &json!({ "access.token.lifespan": "2" }));
        clients.extend([hasty, elsewhere, service("nowhere", &["basic"], &json!({}))]);
    });
    let house = House::trusting(&realm);
    let hasty = realm.of_the_service("hasty", "hasty-secret", None).expect("tokens");
    assert!(house.lets_in(hasty.access()), "it lives");

    let alice = realm.traveller("alice", TRAVEL).expect("tokens");
    assert!(house.lets_in(alice.access()));
    assert!(!house.lets_in(alice.refresh()), "a refresh token");
    assert!(!house.lets_in(alice.id()), "an ID token");
    let elsewhere = realm.of_the_service("elsewhere", "elsewhere-secret", None).expect("tokens");
    assert!(!house.lets_in(elsewhere.access()), "a token for another API");
    let nowhere = realm.of_the_service("nowhere", "nowhere-secret", None).expect("tokens");
    assert!(!house.lets_in(nowhere.access()), "a token without an audience");
    let neighbour = Realm::as_started().gateway();
    assert!(!house.lets_in(neighbour.access()), "a token of another realm of the same Keycloak");
    let (head, _) = alice.access().rsplit_once('.').expect("a signature");
    let (_, signature) = elsewhere.access().rsplit_once('.').expect("a signature");
    assert!(!house.lets_in(&format!("{head}.{signature}")), "a signature of something else");

    // Nobody asks Keycloak about a token: a session that has ended is not noticed before its tokens end by themselves.
    realm.log_out("traveladvisor-web", &alice);
    realm.refreshed("traveladvisor-web", &alice, "openid").expect_err("the session has ended");
    assert!(house.lets_in(alice.access()), "until it expires");
    until(|| (!house.lets_in(hasty.access())).then_some(()));
}

#[test]
#[ignore = "needs Keycloak: just identity"]
fn a_change_of_keys_shuts_nobody_out_and_a_withdrawn_key_lets_nobody_in() {
    let realm = Realm::another("keys", |_| ());
    let house = House::trusting(&realm);
    let first = realm.gateway();
    assert!(house.lets_in(first.access()));

    // So soon after they were fetched keys are not fetched again, whatever a token names.
    thread::sleep(KEYS_PAUSE);
    realm.sign_with_a_new_key("second", 200);
    let second = realm.gateway();
    assert_ne!(header(&first), header(&second), "another key signs");
    assert!(house.lets_in(second.access()), "a new key is taken at once");
    assert!(house.lets_in(first.access()), "the former is still published");

    realm.disable_key("rsa-generated");
    realm.sign_with_a_new_key("third", 300);
    let third = realm.gateway();
    // The third key is not known yet, and looking for it brings the news about the first.
    until(|| house.lets_in(third.access()).then_some(()));
    assert!(!house.lets_in(first.access()), "its key is withdrawn");
    assert!(house.lets_in(second.access()) && house.lets_in(third.access()));
}

/// What says which key has signed.
fn header(tokens: &Tokens) -> &str {
    tokens.access().split('.').next().unwrap_or_default()
}

/// A client that gets tokens for its secret, the name and `-secret`.
fn service(name: &str, scopes: &[&str], attributes: &Value) -> Value {
    json!({
        "clientId": name,
        "enabled": true,
        "publicClient": false,
        "secret": format!("{name}-secret"),
        "serviceAccountsEnabled": true,
        "standardFlowEnabled": false,
        "fullScopeAllowed": false,
        "defaultClientScopes": scopes,
        "attributes": attributes,
    })
}
