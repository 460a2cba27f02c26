//! No call leaves the process but through a fail point: the sources are read for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates that talk to others by themselves, from the workspace's directory.
const CRATES: [&str; 2] = ["infra/src", "projections/src"];
/// All others leave that to these.
const SILENT_CRATES: [&str; 4] = [".", "domain", "commands", "api"];
/// What only those who talk to others need.
const MEANS: [&str; 2] = ["sqlx", "reqwest"];
/// What is only built for tests.
const FOR_TESTS: &str = "infra/src/testing";

/// What a call passes: the function itself, and those that hand over to it.
const POINTS: [&str; 5] = ["outgoing", "in_time", "in_trial_time", "ask", "step"];

/// Methods that leave the process: those of sqlx, and of a client over HTTP. With an empty pair of brackets: only without arguments.
const CALLS: [&str; 20] = [
    "execute",
    "execute_many",
    "fetch",
    "fetch_all",
    "fetch_many",
    "fetch_one",
    "fetch_optional",
    "begin()",
    "begin_with",
    "commit()",
    "rollback()",
    "acquire()",
    "try_acquire()",
    "connect()",
    "connect_with",
    "ping()",
    "listen",
    "copy_in_raw",
    "copy_out_raw",
    "send()",
];

/// Where these stand outside of a point, and why that is right. One that is no longer needed is a fault.
const ELSEWHERE: [(&str, &str); 29] = [
    ("infra/src/event_log/lent.rs", "passes on the statements of those who passed"),
    ("infra/src/event_log/repository.rs", "for cqrs-es; the program does not use it"),
    ("infra/src/gateway/sandbox.rs", "plays the other side, after its port has been passed"),
    (
        "infra/src/services/exchange.rs",
        "asks a process that passes its own points: who dies while it waits leaves nothing",
    ),
    ("infra/src/identity_provider.rs", "reads keys before anything is decided: who dies there leaves nothing"),
    ("projections/src/booking/rows.rs", "the projector passes when it loads"),
    ("projections/src/traveller_bookings/rows.rs", "the same"),
    ("projections/src/members/rows.rs", "the same"),
    ("projections/src/points/rows.rs", "the same"),
    ("projections/src/campaigns/rows.rs", "the same"),
    ("projections/src/vouchers/rows.rs", "the same"),
    ("projections/src/runtime/changes.rs", "the projector passes when it flushes"),
    ("projections/src/booking/as_of.rs", "`Reads` passes when it asks"),
    ("projections/src/booking/changes/lines.rs", "`Reads` and the feed of changes pass when they ask"),
    ("projections/src/booking/query.rs", "the same"),
    ("projections/src/booking/sagas.rs", "the same"),
    ("projections/src/booking/settled.rs", "the same"),
    ("projections/src/booking/timeline.rs", "the same"),
    ("projections/src/car_availability/query.rs", "the same"),
    ("projections/src/flight_availability/query.rs", "the same"),
    ("projections/src/hotel_availability/query.rs", "the same"),
    ("projections/src/keyset.rs", "the same"),
    ("projections/src/payment_ledger/query.rs", "the same"),
    ("projections/src/supply_occupancy/query.rs", "the same"),
    ("projections/src/traveller_bookings/query.rs", "the same"),
    ("projections/src/members/query.rs", "the same"),
    ("projections/src/points/query.rs", "the same"),
    ("projections/src/campaigns/query.rs", "the same"),
    ("projections/src/vouchers/query.rs", "the same"),
];

#[test]
fn a_call_that_could_not_be_killed_at_is_found_in_the_sources() {
    let files = CRATES.iter().flat_map(|sources| rust_files(&workspace().join(sources)));
    let names = files.map(|file| file.strip_prefix(workspace()).expect("below it").display().to_string());
    let names = names.filter(|name| !name.starts_with(FOR_TESTS));
    let mut bare: BTreeMap<String, Vec<String>> =
        names.map(|name| (name.clone(), bare_calls(&name, &is_call))).filter(|(_, calls)| !calls.is_empty()).collect();
    for (file, reason) in ELSEWHERE {
        assert!(bare.remove(file).is_some(), "{file} needs no exception any more: {reason}");
    }
    assert!(bare.is_empty(), "these calls pass no fail point: {bare:?}");
}

#[test]
fn nobody_else_has_the_means_to_talk_to_others() {
    for name in SILENT_CRATES {
        let manifest = fs::read_to_string(workspace().join(name).join("Cargo.toml")).expect("readable");
        let dependencies = manifest.split_once("\n[dependencies]\n").expect("dependencies").1;
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let found = dependencies.lines().find(|line| MEANS.iter().any(|means| line.starts_with(means)));
        assert_eq!(found, None, "{name}");
    }
}

#[test]
fn rows_and_queries_of_read_models_are_only_reached_through_a_fail_point() {
    let moves_rows =
        |before: &str, call: &str| before == "." && ["load", "make"].contains(&call.trim_end_matches("()"));
    assert_eq!(bare_calls("projections/src/runtime/step.rs", &moves_rows), Vec::<String>::new());
    let queries = |before: &str, call: &str| {
        ["as_of::", "query::", "sagas::", "timeline::"].contains(&before) || call == "settled_among"
    };
    assert_eq!(bare_calls("projections/src/reads.rs", &queries), Vec::<String>::new());
}

#[test]
fn the_search_for_calls_finds_them() {
    let found = |text: &str| {
        let mut found = Vec::new();
        search(text.parse().expect("Rust"), &is_call, &mut found);
        found
    };
    assert_eq!(found("async fn f() { select! { row = query.fetch_one(pool) => {} } }"), ["fetch_one"]);
    assert_eq!(found("PgListener::connect_with(pool).await?"), ["connect_with"]);
    assert_eq!(found("client.post(url).send().await?"), ["send"]);
    let right = "outgoing(Point::Head, query.bind(1).fetch_one(pool)).await?; channel.send(1); begin(2)";
    assert_eq!(found(right), Vec::<String>::new());
    assert_eq!(found("mod tests { fn f() { pool.begin() } }"), Vec::<String>::new());
}

/// What an object does for itself is no call.
fn is_call(before: &str, call: &str) -> bool {
    let name = call.trim_end_matches("()");
    (before == "." || before.ends_with("::")) && (CALLS.contains(&call) || CALLS.contains(&name))
}

fn bare_calls(file: &str, is_call: &dyn Fn(&str, &str) -> bool) -> Vec<String> {
    let text = fs::read_to_string(workspace().join(file)).expect("readable");
    let mut found = Vec::new();
    search(text.parse().expect("Rust"), is_call, &mut found);
    found
}

/// Calls outside of any point, also in the arguments of macros.
fn search(tokens: TokenStream, is_call: &dyn Fn(&str, &str) -> bool, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let word = |place: Option<usize>| match place.and_then(|place| tokens.get(place)) {
        Some(TokenTree::Ident(word)) => word.to_string(),
        Some(TokenTree::Punct(sign)) => sign.to_string(),
        _ => String::new(),
    };
    for (place, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let [name, before, further, furthest] = [1, 2, 3, 4].map(|back| word(place.checked_sub(back)));
        let is_tests = (before.as_str(), name.as_str()) == ("mod", "tests");
        if is_tests || group.delimiter() == Delimiter::Parenthesis && POINTS.contains(&name.as_str()) {
            continue;
        }
        let before = match (before.as_str(), further.as_str()) {
            (":", ":") => format!("{furthest}::"),
            (".", "self") => "self.".to_owned(),
            _ => before,
        };
        let called = if group.stream().is_empty() { format!("{name}()") } else { name.clone() };
        if group.delimiter() == Delimiter::Parenthesis && is_call(&before, &called) {
            found.push(name);
        }
        search(group.stream(), is_call, found);
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}
