//! The program with that realm as its identity provider, and what people ask of it.

use serde_json::{Value, json};

use super::realm::Realm;
use crate::support::Home;
use crate::support::http::{Answer, post, post_to};
use crate::support::server::{SERVE, Server};

const BOOK: &str =
    "mutation($input: BookTripInput!) { bookTrip(input: $input) { booking { id status } position errors { code } } }";
const READ: &str = "query($id: ID!, $at: Position) { booking(id: $id, atLeast: $at) { status traveller { email } } }";
/// What takes no right but that the caller is known.
pub(super) const ANYTHING: &str = "{ hotels(filter: {city: \"Lyon\"}) { nodes { id } } }";
/// What takes the right of operators.
pub(super) const OPERATIONS: &str = "{ sagas { nodes { bookingId } } }";

/// A program that serves, with one hotel.
pub(super) struct House {
    server: Server,
    _home: Home,
}

/// A trip that was booked.
pub(super) struct Trip {
    pub(super) id: String,
    pub(super) position: Value,
}

impl House {
    /// It takes the word of this realm, and its log stands in a file that is shown when it does not start.
    pub(super) fn trusting(realm: &Realm) -> Self {
        let home = Home::with_a_hotel();
        let mut command = home.command(&SERVE);
        command
            .env("TRAVELADVISOR_AUTH_ISSUER", realm.issuer())
            .env("TRAVELADVISOR_AUTH_AUDIENCE", "traveladvisor-api");
        Self { server: Server::spawn(&home, command), _home: home }
    }

    /// Asks with a token, or without one.
    pub(super) fn ask(&self, token: Option<&str>, query: &str, variables: &Value) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let address = &self.server.address;
        let answer = match token {
            Some(token) => post_to(address, "/graphql", &format!("Authorization: Bearer {token}\r\n"), body.as_bytes()),
            None => post(address, body.as_bytes()),
        };
        answer.expect("an answer")
    }

    /// Asks with a token that must be taken; gives the whole answer.
    pub(super) fn told(&self, token: &str, query: &str, variables: &Value) -> Value {
        let answer = self.ask(Some(token), query, variables);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Whether a token lets in.
    pub(super) fn lets_in(&self, token: &str) -> bool {
        let answer = self.ask(Some(token), ANYTHING, &Value::Null);
        let told = answer.json();
        if answer.status == 200 {
            assert!(told["data"]["hotels"]["nodes"][0]["id"].is_string(), "{told}");
            return true;
        }
        assert_eq!((answer.status, &told["errors"][0]["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")));
        assert!(told.get("data").is_none(), "{told}");
        false
    }

    /// Books two nights and waits until that is done.
    pub(super) fn books(&self, token: &str, key: &str) -> Trip {
        let told = self.told(token, BOOK, &json!({ "input": self.two_nights(token, key) }));
        let booked = &told["data"]["bookTrip"];
        assert_eq!(booked["booking"]["status"], "APPROVED", "{told}");
        let id = booked["booking"]["id"].as_str().expect("an id").to_owned();
        Trip { id, position: booked["position"].clone() }
    }

    /// The error code with which the booking of a trip is refused before it is tried.
    pub(super) fn refusal_to_book(&self, token: &str) -> Value {
        refused(&self.told(token, BOOK, &json!({ "input": self.two_nights(token, "refused") })))
    }

    /// A trip as the holder of a token sees it: null when it does not exist for them.
    pub(super) fn reads(&self, token: &str, trip: &Trip) -> Value {
        let told = self.told(token, READ, &json!({ "id": trip.id, "at": trip.position }));
        assert!(told.get("errors").is_none(), "{told}");
        told["data"]["booking"].clone()
    }

    fn two_nights(&self, token: &str, key: &str) -> Value {
        let told = self.told(token, ANYTHING, &Value::Null);
        json!({
            "idempotencyKey": key,
            "traveller": { "email": "traveller@example.test", "name": "A Traveller" },
            "hotel": {
                "hotelId": told["data"]["hotels"]["nodes"][0]["id"],
                "roomType": "DBL",
                "checkIn": "2025-02-01",
                "checkOut": "2025-02-03",
            },
            "payment": { "method": "NONE" },
            "wait": "FINISHED",
        })
    }
}

/// The code of the one error for which nothing was done.
pub(super) fn refused(told: &Value) -> Value {
    assert!(told.get("data").is_none(), "{told}");
    told["errors"][0]["extensions"]["code"].clone()
}
