use async_graphql::parser::parse_query;

use super::*;

/// The root's one field once it is kept: its name, its selections, and the fragments that are left.
fn kept(query: &str, name: Option<&str>) -> Result<(String, Vec<String>, Vec<String>), String> {
    let mut document = parse_query(query).expect("parses");
    keep_one(&mut document, name).map_err(|error| error.message)?;
    let operation = chosen(&document, name).expect("an operation");
    let [Positioned { node: Selection::Field(field), .. }] = operation.selection_set.node.items.as_slice() else {
        panic!("not one field: {query}");
    };
    let below = field.node.selection_set.node.items.iter().map(|item| match &item.node {
        Selection::Field(field) => field.node.response_key().node.to_string(),
        Selection::InlineFragment(_) => "...".to_owned(),
        Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
    });
    let mut fragments: Vec<_> = document.fragments.keys().map(ToString::to_string).collect();
    fragments.sort();
    Ok((field.node.name.node.to_string(), below.collect(), fragments))
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_field_in_fragments_is_followed_as_if_it_stood_at_the_root() {
    for (query, below, fragments) in [
        ("subscription { a { x } }", &["x"][..], &[][..]),
        ("subscription { ... { a { x } } }", &["x"], &[]),
        ("subscription { ... on Subscription { ... { a { x } } } }", &["x"], &[]),
        ("subscription { ...f } fragment f on Subscription { a { x } }", &["x"], &[]),
        (
            "subscription { ...f } fragment f on Subscription { ...g } fragment g on Subscription { a { ...h } } \
             fragment h on A { x ...i } fragment i on A { y }",
            &["...h"],
            &["h", "i"],
        ),
        (
            "subscription { ...f ... { a { y } } a { z } } fragment f on Subscription { a { x ... { ...h } } } \
             fragment h on A { x }",
            &["x", "...", "y", "z"],
            &["h"],
        ),
    ] {
        let expected = ("a".to_owned(), texts(below), texts(fragments));
        assert_eq!(kept(query, None).expect(query), expected, "{query}");
    }
}

#[test]
fn only_the_operation_that_is_asked_for_is_changed() {
    let query = "subscription one { ...f } subscription two { ... { b { y } } } fragment f on Subscription { a { x } }";
    assert_eq!(kept(query, Some("two")).expect("kept").0, "b");
    assert_eq!(kept(query, Some("one")).expect("kept").0, "a");
}

#[test]
fn more_than_one_field_or_one_that_may_be_left_out_is_refused_wherever_it_stands() {
    for query in [
        "subscription { a { x } b { x } }",
        "subscription { a { x } ... { b { x } } }",
        "subscription { one: a { x } ...f } fragment f on Subscription { two: a { x } }",
        "subscription { a(id: 1) { x } ... { a(id: 2) { x } } }",
        "subscription { a: b { x } ... { a { x } } }",
        "subscription { ... { __typename } }",
    ] {
        assert_eq!(kept(query, None), Err(ONE_FIELD.to_owned()), "{query}");
    }
    for query in [
        "subscription { a @skip(if: false) { x } }",
        "subscription { ... @include(if: true) { a { x } } }",
        "subscription { ...f @skip(if: false) } fragment f on Subscription { a { x } }",
        "subscription { ...f } fragment f on Subscription { a @include(if: true) { x } }",
    ] {
        assert_eq!(kept(query, None), Err(ALWAYS.to_owned()), "{query}");
    }
}

#[test]
fn a_field_in_a_fragment_on_another_type_is_not_brought_up() {
    for query in [
        "subscription { ... on Nope { a { b } } }",
        "subscription { ... on Query { a { b } } }",
        "subscription { ...f } fragment f on Booking { a { b } }",
        "subscription { ... on Subscription { ... on Hotel { a { b } } } }",
    ] {
        assert_eq!(kept(query, None), Err(ELSEWHERE.to_owned()), "{query}");
    }
}
