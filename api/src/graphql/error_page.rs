//! `docs/errors.md`: the page of all codes, made from the enum of the schema, so that the two cannot disagree.

use std::fmt::Write;

use async_graphql::parser::types::TypeKind;
use async_graphql::resolver_utils::EnumType;

use super::declared::types;
use super::types::{Again, ErrorCode, Facts, Place};

/// The enum's name in the schema.
const ENUM: &str = "ErrorCode";
const HEAD: &str = "\
# Errors

Generated from the schema by `traveladvisor schema --errors`; `just generate` writes it anew.

What a caller did wrong is data: the payload's `errors`, each with `code`, `message` (what to do, for people) and `path` (the input field). \
Faults, rights and limits are GraphQL `errors`, with the same codes in `extensions.code`, an input field's path in `extensions.path`, and \
the request's id in `extensions.requestId`; the header `X-Request-Id` bears the same id: name it in a report. Programs go by the code; \
sentences may change.

`Accept: application/graphql-response+json` tells by the HTTP status why nothing of a request was executed; the column names it. With \
`application/json` the status of what GraphQL has rejected is 200. An error of a single field, and one that is data, always comes with 200.

| code | what is so | what to do | where | HTTP | the same again? |
|---|---|---|---|---|---|
";

/// The page as Markdown.
pub fn error_page() -> String {
    let mut page = HEAD.to_owned();
    for (code, description) in described() {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{}", row(code, &description));
    }
    page
}

/// The codes in the schema's order, each with its description there.
fn described() -> Vec<(ErrorCode, String)> {
    let values = types().filter(|named| named.name.node == ENUM).flat_map(|codes| match &codes.kind {
        TypeKind::Enum(codes) => codes.values.as_slice(),
        _ => &[],
    });
    let known = |name: &str| ErrorCode::items().iter().find(|item| item.name == name).map(|item| item.value);
    values
        .filter_map(|value| {
            let description = value.node.description.as_ref().map(|text| text.node.clone()).unwrap_or_default();
            Some((known(&value.node.value.node)?, description))
        })
        .collect()
}

fn row(code: ErrorCode, description: &str) -> String {
    let Facts { place, status, again } = code.facts();
    let (meaning, advice) = description.split_once(": ").unwrap_or((description, ""));
    let place = match place {
        Place::Data => "data",
        Place::Errors => "errors",
        Place::Both => "data, errors",
    };
    let again = match again {
        Again::No => "no",
        Again::Later => "after a pause",
        Again::SameKey => "after a pause, same key",
    };
    let advice = sentence(advice);
    format!("| `{}` | {meaning}. | {advice} | {place} | {} | {again} |", code.as_str(), status.as_u16())
}

fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_is_so_and_what_to_do() {
        let told = described();
        assert_eq!(told.len(), ErrorCode::items().len());
        for (code, description) in told {
            let (meaning, advice) = description.split_once(": ").unwrap_or_default();
            assert!(!meaning.is_empty() && advice.ends_with('.'), "{}: {description:?}", code.as_str());
        }
    }

    #[test]
    fn what_is_only_data_has_no_status_of_its_own() {
        for item in ErrorCode::items() {
            let Facts { place, status, .. } = item.value.facts();
            assert!(place != Place::Data || status.as_u16() == 200, "{}", item.name);
        }
    }
}
