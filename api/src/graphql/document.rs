//! A document before it is validated: parsed, of bounded size, its operation chosen.

mod bounds;
mod size;
mod tokens;

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};

pub(super) use self::size::{Size, Sizes};
use super::fault::server_error;
use super::scrub::syntax_error;
use super::types::ErrorCode;

/// Parses a document within its bounds: what is too much is refused by the cheapest look that can tell.
pub(crate) fn parse(query: &str) -> Result<ExecutableDocument, ServerError> {
    tokens::bounded(query)?;
    let document = parse_query(query).map_err(|error| syntax_error(&error))?;
    bounds::bounded(&document)?;
    Ok(document)
}

fn too_complex(message: String) -> ServerError {
    server_error(ErrorCode::QueryTooComplex, message)
}

/// The operation that the request means; none when it cannot be told, which the library then answers.
pub(crate) fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    let found = match (name, operations.len()) {
        (Some(wanted), _) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted)),
        (None, 1) => operations.next(),
        (None, _) => None,
    };
    found.map(|(_, operation)| &operation.node)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql::parser::types::OperationType;

    use super::*;
    use crate::limits::SELECTION_NESTING_MAX;
    use crate::limits::{
        DOCUMENT_DIRECTIVES_MAX, FIELD_DIRECTIVES_MAX, OPERATIONS_MAX, QUERY_ALIASES_MAX, QUERY_DEPTH_MAX,
        ROOT_FIELDS_MAX,
    };

    /// What is bounded, by how much, and a query that has so many.
    type Bound = (&'static str, usize, Box<dyn Fn(usize) -> String>);

    fn many(piece: &str, count: usize) -> String {
        piece.repeat(count)
    }

    fn code(error: &ServerError) -> String {
        error.extensions.as_ref().and_then(|values| values.get("code")).expect("a code").to_string()
    }

    #[test]
    fn fragments_that_multiply_are_refused_at_once() {
        let mut query = "{ ...f0 } ".to_owned();
        for n in 0..30 {
            let next = n + 1;
            let _ = write!(query, "fragment f{n} on Query {{ ...f{next} ...f{next} }} ");
        }
        query.push_str("fragment f30 on Query { __typename }");
        assert_eq!(code(&parse(&query).expect_err("too much")), "\"QUERY_TOO_COMPLEX\"");
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_refused() {
        let error = parse("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }").expect_err("a cycle");
        assert_eq!(code(&error), "\"INVALID_INPUT\"");
    }

    #[test]
    fn each_bound_refuses_what_passes_it_and_nothing_less() {
        let bounds: [Bound; 6] = [
            (
                "aliases",
                QUERY_ALIASES_MAX,
                Box::new(|n| {
                    let each = n / 10;
                    format!("{{ {} }} fragment f on Query {{ {} }}", many("a { ...f } ", 10), many("b: a ", each))
                }),
            ),
            (
                "root fields",
                ROOT_FIELDS_MAX,
                Box::new(|n| format!("{{ {} ...f }} fragment f on Query {{ a }}", many("a ", n - 1))),
            ),
            ("depth", QUERY_DEPTH_MAX, Box::new(|n| format!("{}a{}", many("{a", n - 1) + "{", many("}", n)))),
            ("directives", FIELD_DIRECTIVES_MAX, Box::new(|n| format!("{{ a {} }}", many("@skip(if: true) ", n)))),
            (
                "all directives",
                DOCUMENT_DIRECTIVES_MAX,
                Box::new(|n| format!("{{ a {{ {} }} }}", many("a @skip(if: true) ", n))),
            ),
            (
                "operations",
                OPERATIONS_MAX,
                Box::new(|n| (0..n).map(|n| format!("query q{n} {{ a }} ")).collect::<Vec<_>>().concat()),
            ),
        ];
        for (what, most, query) in bounds {
            assert!(parse(&query(most)).is_ok(), "{what}");
            let step = if what == "aliases" { 10 } else { 1 };
            assert_eq!(code(&parse(&query(most + step)).expect_err(what)), "\"QUERY_TOO_COMPLEX\"", "{what}");
        }
    }

    #[test]
    fn directives_count_wherever_they_stand() {
        let nine = "@skip(if: true) ".repeat(FIELD_DIRECTIVES_MAX + 1);
        for query in [
            format!("query q {nine} {{ a }}"),
            format!("{{ ... {nine} {{ a }} }}"),
            format!("{{ ...f {nine} }} fragment f on Query {{ a }}"),
            format!("{{ ...f }} fragment f on Query {nine} {{ a }}"),
            format!("{{ a }} fragment f on Query {{ a {nine} }}"),
            format!("query q({}) {{ a }}", "$a: Int @b ".repeat(DOCUMENT_DIRECTIVES_MAX + 1)),
        ] {
            assert_eq!(code(&parse(&query).expect_err("too many")), "\"QUERY_TOO_COMPLEX\"", "{query:.60}");
        }
    }

    #[test]
    fn a_chain_of_fragments_is_no_longer_because_it_is_entered_in_its_middle() {
        let chain = |count: usize| -> String {
            let link = |n: usize| format!("query q{n} {{ ...f{n} }} fragment f{n} on Query {{ ...f{} }} ", n + 1);
            let links: String = (0..count).rev().map(link).collect();
            links + &format!("fragment f{count} on Query {{ a }}")
        };
        assert!(parse(&chain(SELECTION_NESTING_MAX - 2)).is_ok());
        assert_eq!(code(&parse(&chain(SELECTION_NESTING_MAX - 1)).expect_err("too deep")), "\"QUERY_TOO_COMPLEX\"");
    }

    #[test]
    fn introspection_does_not_multiply() {
        assert!(parse("{ __schema { types { fields { type { fields { name } } } } } }").is_ok());
        let deeper = "{ __type(name: \"a\") { fields { type { ...t } } } } fragment t on __Type { fields { type { inputFields { name } } } }";
        assert_eq!(code(&parse(deeper).expect_err("too deep")), "\"QUERY_TOO_COMPLEX\"");
    }

    #[test]
    fn nesting_without_end_takes_nobody_down() {
        for (open, close) in [("[", "]"), ("{a:", "}"), ("{a", "}")] {
            let deep = |n: usize| open.repeat(n) + &close.repeat(n);
            for query in [
                format!("{{ a(b: {}) }}", deep(150_000)),
                format!("{{ a(b: {}", open.repeat(150_000)),
                deep(150_000),
                format!("query($a: {}Int{} ) {{ a }}", "[".repeat(150_000), "]".repeat(150_000)),
                format!(r#"{{ a(b: [""" x" {} ]) }}"#, deep(15_000)),
                format!(r#"{{ a(b: ["""\""" x" {} ]) }}"#, deep(15_000)),
            ] {
                let error = parse(&query).expect_err("too deep");
                assert_eq!(code(&error), "\"QUERY_TOO_COMPLEX\"", "{query:.60}");
            }
        }
    }

    #[test]
    fn the_syntax_error_does_not_quote_the_query() {
        let error = parse(r#"{ booking(id: "4242424242424242" "#).expect_err("broken");
        assert!(!error.message.contains("4242"), "{}", error.message);
        assert_eq!(error.locations.len(), 1);
    }

    #[test]
    fn the_operation_is_chosen_by_its_name() {
        let document = parse("query a { __typename } mutation b { __typename }").expect("parses");
        let kind = |name| operation(&document, Some(name)).map(|operation| operation.ty);
        assert_eq!(kind("b"), Some(OperationType::Mutation));
        assert_eq!(kind("c"), None);
        assert!(operation(&document, None).is_none(), "which of two is meant is not guessed");
    }
}
