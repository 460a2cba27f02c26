//! A document before it is validated: parsed, of bounded size, its operation chosen.

use std::collections::HashMap;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, ServerError};

use super::fault::server_error;
use super::scrub::syntax_error;
use super::types::ErrorCode;
use crate::limits::{QUERY_NESTING_MAX, QUERY_SELECTIONS_MAX};

/// Parses a document and refuses one whose fragments, written out, are too many selections. The library walks fragments once for each
/// place that spreads them, so a few dozen that spread each other twice would keep it busy for years.
pub(crate) fn parse(query: &str) -> Result<ExecutableDocument, ServerError> {
    if nests_too_deep(query) {
        let message = format!("The query nests deeper than {QUERY_NESTING_MAX} brackets: ask flatter.");
        return Err(server_error(ErrorCode::InvalidInput, message));
    }
    let document = parse_query(query).map_err(|error| syntax_error(&error))?;
    let mut written_out = WrittenOut { document: &document, fragments: HashMap::new() };
    let total: Option<usize> = document.operations.iter().try_fold(0, |sum: usize, (_, operation)| {
        written_out.count(&operation.node.selection_set.node).map(|count| sum.saturating_add(count))
    });
    match total {
        None => Err(server_error(ErrorCode::InvalidInput, "A fragment spreads itself: remove the cycle.")),
        Some(total) if total > QUERY_SELECTIONS_MAX => {
            let message = format!("The query has more than {QUERY_SELECTIONS_MAX} selections: ask for less at once.");
            Err(server_error(ErrorCode::QueryTooComplex, message))
        }
        Some(_) => Ok(document),
    }
}

/// Whether brackets nest deeper than [`QUERY_NESTING_MAX`]. The parser looks at how much of the stack is left while it reads; what it then
/// makes of the values takes more of it for each level, and would take the process down at some depths.
fn nests_too_deep(query: &str) -> bool {
    let (mut nesting, mut deepest) = (0_usize, 0_usize);
    let mut letters = query.bytes();
    let mut in_text = false;
    while let Some(letter) = letters.next() {
        match letter {
            b'"' => in_text = !in_text,
            b'\\' if in_text => drop(letters.next()),
            _ if in_text => {}
            b'#' => drop(letters.find(|letter| matches!(letter, b'\n' | b'\r'))),
            b'{' | b'(' | b'[' => nesting += 1,
            b'}' | b')' | b']' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(nesting);
    }
    deepest > QUERY_NESTING_MAX
}

/// The operation that the request means; none when it cannot be told, which the library then answers.
pub(crate) fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    match name {
        Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted)),
        None => operations.next(),
    }
    .map(|(_, operation)| &operation.node)
}

struct WrittenOut<'a> {
    document: &'a ExecutableDocument,
    /// Selections of each fragment; none while it is being counted.
    fragments: HashMap<&'a Name, Option<usize>>,
}

impl<'a> WrittenOut<'a> {
    /// Selections with all fragments written out; none when a fragment spreads itself.
    fn count(&mut self, set: &'a SelectionSet) -> Option<usize> {
        let mut total: usize = 0;
        for item in &set.items {
            let below = match &item.node {
                Selection::Field(field) => self.count(&field.node.selection_set.node)?,
                Selection::InlineFragment(inline) => self.count(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            total = total.saturating_add(1).saturating_add(below);
        }
        Some(total)
    }

    /// An unknown fragment counts nothing: the library names it.
    fn fragment(&mut self, name: &'a Name) -> Option<usize> {
        if let Some(counted) = self.fragments.get(name) {
            return *counted;
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Some(0);
        };
        self.fragments.insert(name, None);
        let count = self.count(&fragment.node.selection_set.node);
        self.fragments.insert(name, count);
        count
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql::parser::types::OperationType;

    use super::*;

    fn code(error: &ServerError) -> String {
        error.extensions.as_ref().and_then(|values| values.get("code")).expect("a code").to_string()
    }

    #[test]
    fn fragments_that_multiply_are_refused_at_once() {
        let mut query = "{ ...f0 } ".to_owned();
        for n in 0..60 {
            let next = n + 1;
            let _ = write!(query, "fragment f{n} on Query {{ ...f{next} ...f{next} }} ");
        }
        query.push_str("fragment f60 on Query { __typename }");
        assert_eq!(code(&parse(&query).expect_err("too much")), "\"QUERY_TOO_COMPLEX\"");
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_refused() {
        let error = parse("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }").expect_err("a cycle");
        assert_eq!(code(&error), "\"INVALID_INPUT\"");
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
            ] {
                assert!(parse(&query).is_err());
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
    }
}
