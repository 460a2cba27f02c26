use async_graphql::parser::parse_query;
use serde_json::{Value, json};

use super::*;
use crate::graphql::document::operation;
use crate::limits::{MUTATION_COMPLEXITY, PAGE_DEFAULT, PAGE_MAX, RESOLVE_SAGAS_COMPLEXITY, SEARCH_COMPLEXITY};

const DEFAULT: usize = PAGE_DEFAULT as usize;
const MOST: usize = PAGE_MAX as usize;

fn cost_with(query: &str, variables: Value) -> usize {
    let document = parse_query(query).expect("parses");
    let asked = operation(&document, None).expect("an operation");
    Cost::of(&document, asked, &Variables::from_json(variables)).requested
}

fn cost(query: &str) -> usize {
    cost_with(query, Value::Null)
}

#[test]
fn a_field_costs_one_and_a_fragment_what_stands_in_it() {
    assert_eq!(cost("{ booking(id: \"a\") { id hotel { rooms } } }"), 4);
    assert_eq!(
        cost("{ ...q } fragment q on Query { booking(id: \"a\") { ...b ...b } } fragment b on Booking { id }"),
        3
    );
    assert_eq!(cost("{ ... on Query { a: booking(id: \"a\") { id } b: booking(id: \"b\") { id } } }"), 4);
    assert_eq!(cost("{ __typename }"), 1);
}

#[test]
fn a_page_costs_its_fields_for_each_entry_it_may_have() {
    assert_eq!(cost("{ hotels(filter: {}, first: 7) { nodes { id } } }"), SEARCH_COMPLEXITY + 7 * 2);
    assert_eq!(cost("{ hotels(filter: {}) { nodes { id } } }"), SEARCH_COMPLEXITY + DEFAULT * 2);
    assert_eq!(cost("{ hotels(filter: {}, first: 1000000000) { nodes { id } } }"), SEARCH_COMPLEXITY + MOST * 2);
    assert_eq!(cost("{ hotels(filter: {}, last: 30) { nodes { id } } }"), SEARCH_COMPLEXITY + 30 * 2);
    assert_eq!(cost("{ nodes(ids: [\"a\", \"b\", \"c\"]) { id } }"), 3 * 2);
    assert_eq!(cost("{ hotels(filter: {}, first: -1) { nodes { id } } }"), SEARCH_COMPLEXITY + 2);
}

#[test]
fn a_page_on_what_was_found_costs_its_search_and_its_fields_for_each_entry() {
    let page = SEARCH_COMPLEXITY + 7 * 2;
    assert_eq!(cost("{ me { points { entries(first: 7) { nodes { id } } } } }"), 1 + 1 + page);
    let each = "query($n: Int) { nodes(ids: [\"a\", \"b\"]) { ...m ...m } } fragment m on Member { bookings(first: $n) { nodes { id } } }";
    assert_eq!(cost_with(each, json!({ "n": 7 })), 2 + 2 * 2 * page);
    assert_eq!(cost("{ member(id: \"a\") { vouchers { nodes { id } } } }"), 1 + SEARCH_COMPLEXITY + DEFAULT * 2);
    let write = "mutation { signUp(input: {}) { member { bookings(first: 7) { nodes { id } } } } }";
    assert_eq!(cost(write), MUTATION_COMPLEXITY + 1 + page);
}

#[test]
fn a_page_whose_length_is_a_variable_costs_no_less() {
    let query = "query($n: Int = 30) { hotels(filter: {}, first: $n) { nodes { id } } }";
    assert_eq!(cost_with(query, json!({ "n": 50 })), SEARCH_COMPLEXITY + 50 * 2);
    assert_eq!(cost_with(query, Value::Null), SEARCH_COMPLEXITY + 30 * 2);
    assert_eq!(cost_with(query, json!({ "n": null })), SEARCH_COMPLEXITY + DEFAULT * 2);
    assert_eq!(cost_with(query, json!({ "n": "many" })), SEARCH_COMPLEXITY + DEFAULT * 2);
}

#[test]
fn a_search_of_the_past_and_each_day_have_their_price() {
    assert_eq!(cost("{ booking(id: \"a\", asOf: \"2024-12-01T00:00:00Z\") { id } }"), SEARCH_COMPLEXITY + 1);
    assert_eq!(cost("{ booking(id: \"a\", asOf: null) { id } }"), 2);
    let nights = "{ hotelOccupancy(hotelId: \"a\", from: \"2024-12-01\", to: \"2024-12-11\") { sold } }";
    assert_eq!(cost(nights), SEARCH_COMPLEXITY + 10);
    assert!(cost("{ hotelOccupancy(hotelId: \"a\", from: 1, to: [2]) { sold } }") > cost(nights));
}

#[test]
fn a_write_costs_more_and_many_writes_cost_each() {
    let one = "mutation { cancelBooking(input: { bookingId: \"a\" }) { position } }";
    assert_eq!(cost(one), MUTATION_COMPLEXITY + 1);
    let each = RESOLVE_SAGAS_COMPLEXITY + 2;
    let many = "mutation($i: ResolveSagasInput!) { resolveSagas(input: $i) { results { position } } }";
    assert_eq!(cost_with(many, json!({ "i": { "first": 3 } })), MUTATION_COMPLEXITY + 3 * each);
    assert_eq!(cost_with(many, json!({ "i": {} })), MUTATION_COMPLEXITY + 100 * each);
    assert_eq!(
        cost("mutation { resolveSagas(input: { first: 2 }) { results { position } } }"),
        MUTATION_COMPLEXITY + 2 * each
    );
}

#[test]
fn introspection_costs_what_it_answers() {
    let types = cost("{ __schema { types { name } } }");
    let fields = cost("{ __schema { types { name fields { name type { name } } } } }");
    assert!(1 < types && types < fields, "{types} {fields}");
    let twice = cost("{ __schema { types { fields { type { fields { name type { name } } } } } } }");
    assert!(twice > 2 * fields, "{twice} {fields}");
}

#[test]
fn no_number_of_fields_is_too_much_to_count() {
    let spreads = |n: usize| format!("...f{n} ").repeat(8);
    let fragments: Vec<String> = (0..25).map(|n| format!("fragment f{n} on Hotel {{ {} }} ", spreads(n + 1))).collect();
    let fragments = fragments.concat();
    let query = format!("{{ hotel(id: \"a\") {{ ...f0 }} }} {fragments} fragment f25 on Hotel {{ id }}");
    assert_eq!(cost(&query), usize::MAX);
}
