//! Members through the program: they sign up, pay with the points of the reference catalogue's campaigns, and use its voucher.

use serde_json::{Value, json};
use traveladvisor_domain::id::{CampaignId, HotelId, StreamKind};

use crate::support::server::Server;
use crate::support::{Home, code, http, told};

const SIGN_UP: &str = "mutation($input: SignUpInput!) { signUp(input: $input) { member { id points { balance } } position \
     errors { code path message } } }";
const BOOK: &str = "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status total { amount } \
     discount { voucher amount { amount } } payment { status points } } position errors { code path message } } }";
const CANCEL: &str = "mutation($input: CancelBookingInput!) { cancelBooking(input: $input) { booking { status payment { status } } \
     position errors { code path message } } }";
const HISTORY: &str = "query($after: String) { me { points { balance entries(first: 1, after: $after) { nodes { type points bookingId } \
     pageInfo { hasNextPage endCursor } } } bookings { nodes { id status } } } }";

/// Somebody with a token of their own at a server.
struct Person<'s> {
    server: &'s Server,
    email: String,
    authorization: String,
}

impl<'s> Person<'s> {
    fn new(home: &Home, server: &'s Server, email: &str) -> Self {
        let token = home.json(&["token", "--as", email])["token"].as_str().expect("a token").to_owned();
        Self { server, email: email.to_owned(), authorization: format!("Authorization: Bearer {token}\r\n") }
    }

    /// The data of an answer without errors.
    fn ask(&self, query: &str, variables: &Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = http::post_to(&self.server.address, "/graphql", &self.authorization, body.as_bytes());
        let mut answer = answer.expect("an answer").json();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    /// The payload of the only mutation, which was accepted.
    fn done(&self, query: &str, input: &Value) -> Value {
        let mut data = self.ask(query, &json!({ "input": input }));
        let payload = data.as_object_mut().and_then(|members| members.values_mut().next()).expect("a payload").take();
        assert_eq!(payload["errors"], json!([]), "{payload}");
        payload
    }

    fn sign_up(&self, referrer: &Value) -> Value {
        self.done(
            SIGN_UP,
            &json!({
                "idempotencyKey": "sign up", "email": self.email, "nickname": "nick", "firstName": "Ada", "lastName": "Lovelace",
                "contactNumber": "+44 20 7946 0000", "referrer": referrer,
            }),
        )
    }

    fn book(&self, key: &str, method: &str, voucher: &Value) -> Value {
        let stay = json!({ "hotelId": HotelId::of("test", "H1"), "roomType": "DBL", "checkIn": "2025-01-05", "checkOut": "2025-01-07" });
        let traveller = json!({ "email": self.email, "name": "Ada Lovelace" });
        let input = json!({ "idempotencyKey": key, "traveller": traveller, "hotel": stay, "payment": { "method": method },
            "voucher": voucher, "wait": "FINISHED" });
        self.done(BOOK, &input)
    }

    /// The whole history, one entry a page, the newest first; and the balance.
    fn history(&self) -> (String, Vec<Value>) {
        let (mut entries, mut after) = (Vec::new(), Value::Null);
        loop {
            let data = self.ask(HISTORY, &json!({ "after": after }));
            let points = &data["me"]["points"];
            entries.extend(points["entries"]["nodes"].as_array().expect("entries").clone());
            after = points["entries"]["pageInfo"]["endCursor"].clone();
            if points["entries"]["pageInfo"]["hasNextPage"] == false {
                return (points["balance"].as_str().expect("a balance").to_owned(), entries);
            }
        }
    }
}

/// A directory with one hotel and the campaigns of the reference catalogue.
fn with_campaigns() -> Home {
    let home = Home::with_a_hotel();
    let campaigns = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/seed-data/traveladvisor-ota/payment.init-data.sql");
    home.printed(&["catalog", "import", campaigns, "--quiet", "--clock", "2024-12-01"]);
    home
}

#[test]
fn a_member_pays_with_the_points_of_signing_up_and_cancelling_brings_them_back() {
    let home = with_campaigns();
    let server = Server::start(&home);
    let ada = Person::new(&home, &server, "ada@example.com");
    assert_eq!(ada.ask("{ me { id } }", &json!({}))["me"], Value::Null, "nobody yet");
    assert_eq!(ada.sign_up(&Value::Null)["member"]["points"]["balance"], "1000000");
    // Two nights at 80 euros, at 100 points for a euro.
    let trip = ada.book("by points", "POINTS", &Value::Null);
    assert_eq!(
        (&trip["booking"]["status"], &trip["booking"]["payment"]["points"]),
        (&json!("APPROVED"), &json!("16000"))
    );
    let cancel = json!({ "bookingId": trip["booking"]["id"], "wait": "FINISHED" });
    assert_eq!(ada.done(CANCEL, &cancel)["booking"]["payment"]["status"], "CANCELLED");
    let (balance, entries) = crate::support::until(|| Some(ada.history()).filter(|(_, entries)| entries.len() >= 3));
    let told: Vec<_> =
        entries.iter().map(|entry| ["type", "points"].map(|field| entry[field].as_str().unwrap_or(""))).collect();
    assert_eq!(told, [["RESTORED", "16000"], ["REDEEM", "-16000"], ["EARN", "1000000"]]);
    assert_eq!((balance.as_str(), &entries[0]["bookingId"]), ("1000000", &trip["booking"]["id"]));
    let mine = ada.ask(HISTORY, &json!({}))["me"]["bookings"]["nodes"].take();
    assert_eq!(mine, json!([{ "id": trip["booking"]["id"], "status": "CANCELLED" }]));
    replays_the_account_by_the_members_id(
        &home,
        ada.ask("{ me { id } }", &json!({}))["me"]["id"].as_str().expect("an id"),
    );
    let bob = Person::new(&home, &server, "bob@example.com");
    assert_eq!(
        bob.ask("{ me { id } bookings { nodes { id } } }", &json!({})),
        json!({ "me": null, "bookings": { "nodes": [] } })
    );
}

fn replays_the_account_by_the_members_id(home: &Home, member: &str) {
    let replay = |aggregate: &str, id: &str| home.run(&["replay", "--json", "--aggregate", aggregate, "--id", id]);
    let account = member.replace("member_", "points_account_");
    let by_member = replay("points_account", member);
    assert_eq!((code(&by_member), &by_member.stdout), (0, &replay("points_account", &account).stdout));
    let printed = String::from_utf8_lossy(&by_member.stdout).into_owned();
    assert!(["PointsEarned", "PointsRedeemed", "PointsRestored"].iter().all(|it| printed.contains(it)), "{printed}");
    let hotel = HotelId::of("test", "H1").to_string();
    for (aggregate, id, says) in [
        ("points_account", hotel.as_str(), "takes points_account_…, or the member's id"),
        ("campaign", member, "is no campaign id"),
        ("member", account.as_str(), "is no member id"),
    ] {
        let refused = replay(aggregate, id);
        assert!(code(&refused) == 2 && told(&refused).contains(says), "{aggregate} {id}: {}", told(&refused));
    }
    // Of what she says of herself nothing is printed unless it is asked for.
    let hidden = replay("member", member);
    let asked = home.run(&["replay", "--json", "--personal", "--aggregate", "member", "--id", member]);
    let shows = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).contains("Lovelace");
    assert_eq!((code(&hidden), shows(&hidden), shows(&asked)), (0, false, true));
}

#[test]
fn help_names_every_kind_of_stream() {
    let home = Home::new();
    for verb in [vec!["events", "list"], vec!["replay"]] {
        let help = home.printed(&[&verb[..], &["--help"]].concat());
        for kind in StreamKind::ALL {
            assert!(help.contains(kind.as_str()), "{verb:?}: {} is missing", kind.as_str());
        }
    }
}

#[test]
fn who_refers_a_member_has_a_voucher_that_makes_one_trip_cheaper() {
    let home = with_campaigns();
    let server = Server::start(&home);
    let (ada, bob) = (Person::new(&home, &server, "ada@example.com"), Person::new(&home, &server, "bob@example.com"));
    let referrer = ada.sign_up(&Value::Null)["member"]["id"].take();
    let position = bob.sign_up(&referrer)["position"].take();
    let vouchers = "query($at: Position) { vouchers(usable: true, atLeast: $at) { nodes { id percent campaignId } } }";
    let found = ada.ask(vouchers, &json!({ "at": position }));
    let voucher = &found["vouchers"]["nodes"][0];
    assert_eq!((&voucher["percent"], found["vouchers"]["nodes"].as_array().map(Vec::len)), (&json!(10), Some(1)));
    assert_eq!(voucher["campaignId"], json!(CampaignId::of("amadeus", "REFERRAL-2")));
    let trip = ada.book("cheaper", "NONE", &voucher["id"]);
    assert_eq!(
        (&trip["booking"]["total"]["amount"], &trip["booking"]["status"]),
        (&json!("144.00"), &json!("APPROVED"))
    );
    assert_eq!(trip["booking"]["discount"], json!({ "voucher": voucher["id"], "amount": { "amount": "16.00" } }));
    let used = ada.ask(vouchers, &json!({ "at": trip["position"] }));
    assert_eq!(used["vouchers"]["nodes"], json!([]));
}
