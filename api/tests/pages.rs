//! Lists in pages, from either end.

use serde_json::{Value, json};

use crate::world::{UPSERT_HOTEL, World, hotel, merge, text};

const HOTELS: &str = "query($first: Int, $after: String, $last: Int, $before: String) { \
     hotels(filter: { city: \"seoul\" }, first: $first, after: $after, last: $last, before: $before) { \
       nodes { code } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

/// Five hotels: H1 to H5.
async fn five() -> World {
    let world = World::begin().await;
    for number in 2..=5 {
        let mut another = hotel();
        merge(&mut another, json!({ "code": format!("H{number}"), "name": format!("Grand {number}") }));
        world.ask(UPSERT_HOTEL, json!({ "input": another })).await;
    }
    world
}

fn codes(list: &Value) -> Vec<String> {
    list["nodes"].as_array().expect("nodes").iter().map(|node| text(&node["code"])).collect()
}

fn ends(list: &Value) -> (bool, bool) {
    let of = |name: &str| list["pageInfo"][name].as_bool().expect("a truth");
    (of("hasPreviousPage"), of("hasNextPage"))
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_and_back() {
    let world = five().await;
    let page = async |variables: Value| world.ask(HOTELS, variables).await["hotels"].take();
    let first = page(json!({ "first": 2 })).await;
    assert_eq!((codes(&first), ends(&first)), (vec!["H1".into(), "H2".into()], (false, true)));
    let second = page(json!({ "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!((codes(&second), ends(&second)), (vec!["H3".into(), "H4".into()], (true, true)));
    let third = page(json!({ "first": 2, "after": second["pageInfo"]["endCursor"] })).await;
    assert_eq!((codes(&third), ends(&third)), (vec!["H5".into()], (true, false)));
    let back = page(json!({ "last": 2, "before": third["pageInfo"]["startCursor"] })).await;
    assert_eq!((codes(&back), ends(&back)), (vec!["H3".into(), "H4".into()], (true, true)));
    let last = page(json!({ "last": 2 })).await;
    assert_eq!((codes(&last), ends(&last)), (vec!["H4".into(), "H5".into()], (true, false)));
    let cursors = [&first["edges"][0]["cursor"], &third["edges"][0]["cursor"]];
    let between = page(json!({ "last": 9, "after": cursors[0], "before": cursors[1] })).await;
    assert_eq!((codes(&between), ends(&between)), (vec!["H2".into(), "H3".into(), "H4".into()], (true, true)));
}

#[tokio::test]
async fn the_default_of_first_stands_in_nobodys_way_and_both_ends_at_once_are_refused() {
    let world = five().await;
    // Relay's clients send all four, null where there is nothing.
    for variables in [json!({}), json!({ "first": null }), json!({ "first": null, "last": null, "after": null })] {
        let all = world.ask(HOTELS, variables).await;
        assert_eq!(codes(&all["hotels"]).len(), 5);
    }
    let last = world.ask("{ hotels(filter: {}, last: 1) { nodes { code } } }", json!({})).await;
    assert_eq!(codes(&last["hotels"]), ["H5"], "though first is 20 when it is left out");
    let last = world.ask(HOTELS, json!({ "first": null, "last": 1, "before": null })).await;
    assert_eq!(codes(&last["hotels"]), ["H5"]);
    for query in [
        "{ hotels(filter: {}, first: 20, last: 1) { nodes { code } } }",
        "query($n: Int = 1) { hotels(filter: {}, first: $n, last: $n) { nodes { code } } }",
    ] {
        assert_eq!(refusal(&world.send(query, json!({})).await), (json!("INVALID_INPUT"), json!(["last"])));
    }
}

#[tokio::test]
async fn a_page_beyond_its_bounds_or_a_foreign_cursor_is_refused_by_its_argument() {
    let world = five().await;
    for (variables, argument) in [
        (json!({ "first": 101 }), "first"),
        (json!({ "first": 0 }), "first"),
        (json!({ "last": 101 }), "last"),
        (json!({ "last": -1 }), "last"),
        (json!({ "after": "nonsense" }), "after"),
        (json!({ "before": "nonsense" }), "before"),
        (json!({ "last": 1, "before": "x".repeat(5_000) }), "before"),
    ] {
        let answer = world.send(HOTELS, variables.clone()).await;
        assert_eq!(refusal(&answer), (json!("INVALID_INPUT"), json!([argument])), "{variables}");
    }
    let cars = world.ask("{ cars(filter: {}) { edges { cursor } } }", json!({})).await;
    let answer = world.send(HOTELS, json!({ "before": cars["cars"]["edges"][0]["cursor"] })).await;
    assert_eq!(refusal(&answer), (json!("INVALID_INPUT"), json!(["before"])), "a cursor of another list");
}

fn refusal(answer: &Value) -> (Value, Value) {
    let extensions = &answer["errors"][0]["extensions"];
    (extensions["code"].clone(), extensions["path"].clone())
}
