//! That no field is without a rule, and what the rules say.

use std::collections::HashSet;

use async_graphql::parser::parse_query;

use super::*;
use crate::caller::{Scope, Scopes};

fn somebody(scopes: &[Scope]) -> Caller {
    Caller::new("issuer somebody".to_owned(), scopes.iter().copied().collect(), None)
}

/// The sentence with which a query is refused.
fn refused(query: &str, caller: &Caller) -> Option<String> {
    let document = parse_query(query).expect("parses");
    let (_, operation) = document.operations.iter().next().expect("an operation");
    check(&document, &operation.node, caller).err().map(|error| error.message)
}

#[test]
fn every_field_has_one_rule_and_no_rule_is_left_over() {
    let mute: Vec<String> = FIELDS
        .iter()
        .flat_map(|(on, fields)| fields.iter().map(move |(name, field)| (on, name, field)))
        .filter(|(_, _, field)| field.rule.is_none())
        .map(|(on, name, _)| format!("{on}.{name}"))
        .collect();
    assert!(mute.is_empty(), "nobody may ask for these: give them a rule in rules.rs: {mute:?}");
    let mut seen = HashSet::new();
    for (on, names, _) in RULES {
        for name in names.split_whitespace() {
            assert!(seen.insert((on, name)), "{on}.{name} has two rules");
            assert!(FIELDS.get(*on).is_some_and(|fields| fields.contains_key(name)), "{on}.{name} is no field");
        }
    }
}

#[test]
fn a_field_without_a_rule_is_for_nobody() {
    let walk = Walk { document: &parse_query("{ a }").expect("parses"), caller: &Caller::development() };
    assert!(walk.allow(None, Pos::default()).is_err());
}

#[test]
fn without_scopes_only_the_catalogue_is_read() {
    let nobody = somebody(&[]);
    assert_eq!(
        refused(
            "{ __typename hotels(filter: {}) { nodes { id } } hotel(id: \"a\") { name } campaigns { nodes { id } } }",
            &nobody
        ),
        None
    );
    for (query, scope) in [
        ("{ booking(id: \"a\") { id } }", "bookings:read"),
        ("{ bookings { nodes { id } } }", "bookings:read"),
        ("{ travellerBookings(email: \"a\") { nodes { bookingId } } }", "bookings:read"),
        ("{ saga(bookingId: \"a\") { status } }", "bookings:read"),
        ("subscription { bookingProgress(id: \"a\") { summary } }", "bookings:read"),
        ("subscription { bookings(travellerEmail: \"a\") { id } }", "bookings:read"),
        ("{ me { id } }", "bookings:read"),
        ("{ member(id: \"a\") { id } }", "bookings:read"),
        ("{ vouchers { nodes { id } } }", "bookings:read"),
        ("mutation { signUp(input: {}) { position } }", "bookings:write"),
        ("mutation { updateProfile(input: {}) { position } }", "bookings:write"),
        ("mutation { closeMember(input: {}) { position } }", "bookings:write"),
        ("mutation { grantReward(input: {}) { position } }", "operations"),
        ("mutation { openCampaign(input: {}) { position } }", "operations"),
        ("mutation { closeCampaign(input: {}) { position } }", "operations"),
        ("{ sagas { nodes { status } } }", "operations"),
        ("{ projections { name } }", "operations"),
        ("{ paymentLedger { charged { amount } } }", "operations"),
        ("{ hotelOccupancy(hotelId: \"a\") { sold } }", "supply:write"),
        ("{ __schema { types { name } } }", "operations"),
        ("{ __type(name: \"Booking\") { name } }", "operations"),
        ("mutation { bookTrip(input: {}) { position } }", "bookings:write"),
        ("mutation { cancelBooking(input: {}) { position } }", "bookings:write"),
        ("mutation { upsertHotel(input: {}) { position } }", "supply:write"),
        ("mutation { changeAllotment(input: {}) { position } }", "supply:write"),
        ("mutation { upsertFlight(input: {}) { position } }", "supply:write"),
        ("mutation { upsertCar(input: {}) { position } }", "supply:write"),
        ("mutation { resolveSaga(input: {}) { position } }", "operations"),
        ("mutation { resolveSagas(input: {}) { hasMore } }", "operations"),
        ("mutation { rebuildProjection(name: \"a\") { errors { code } } }", "operations"),
        ("mutation { rollbackProjection(name: \"a\") { errors { code } } }", "operations"),
    ] {
        let message = refused(query, &nobody).unwrap_or_else(|| panic!("{query} passes"));
        assert!(message.contains(scope), "{query}: {message}");
        let holder = somebody(&[Scope::named(scope).expect("a scope")]);
        assert_eq!(refused(query, &holder), None, "{query} with {scope}");
        let others = Scope::ALL.into_iter().filter(|other| !message.contains(other.as_str()));
        let others = Caller::new("issuer other".to_owned(), others.collect::<Scopes>(), None);
        assert_eq!(refused(query, &others), Some(message), "{query} with every other scope");
    }
}

#[test]
fn no_alias_fragment_or_second_field_hides_what_is_asked_for() {
    let reader = somebody(&[Scope::BookingsRead]);
    for query in [
        "{ booking: sagas { nodes { status } } }",
        "{ bookings { nodes { id } } projections { name } }",
        "{ ... { sagas { nodes { status } } } }",
        "{ ... on Query { sagas { nodes { status } } } }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { sagas { nodes { status } } }",
        "query($no: Boolean = false) { sagas @include(if: $no) { nodes { status } } }",
        "{ bookings { nodes { id ... on Booking { id } } } a: __schema { types { name } } }",
    ] {
        assert!(refused(query, &reader).is_some_and(|message| message.contains("operations")), "{query}");
    }
}
